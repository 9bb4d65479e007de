import type { Append } from './append.js'

/**
 * What happens to appends that cannot be written, by `LogSpec.onFailure`. An accepted append is never
 * refused.
 */
export interface FailurePolicy {
  /** Appends must succeed: they may use the ballast, and wait out an undecided manifest. */
  readonly mustSucceed: boolean
  /** The appends to refuse. All others are written again. */
  refusable(appends: readonly Append[]): Append[]
}

export const failurePolicies: Readonly<Record<'reject' | 'retain', FailurePolicy>> = {
  reject: {
    mustSucceed: false,
    refusable: appends => appends.filter(append => append.state !== 'accepted'),
  },
  retain: {
    mustSucceed: true,
    refusable: () => [],
  },
}
