import type { Append } from './append.js'

/**
 * What happens to appends that cannot be written, by `LogSpec.onFailure`. An accepted append is never
 * refused.
 */
export interface FailurePolicy {
  /** It must succeed, so it may use the ballast, and waits for what is not decided. */
  readonly mustSucceed: boolean
  /** Those that are refused. All others are written again. */
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
