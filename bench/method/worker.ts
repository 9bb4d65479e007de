/** The process of one candidate in one measure: no one's garbage and no one's compiled code but its own. */
import { measureNamed } from '../measures/all.js'
import type { MeasureOptions, Place, Prepared } from '../measures/measure.js'
import { peerNamed } from '../peers/all.js'
import { Unavailable } from '../peers/peer.js'
import type { Figures } from './recording.js'

export type Request =
  | { kind: 'prepare'; measure: string; peer: string; directory: string; options: MeasureOptions }
  | { kind: 'round'; point: string; place: Place }
  | { kind: 'close' }

export type Answer =
  | { kind: 'prepared'; version: string; lesser?: string }
  | { kind: 'skipped'; reason: string }
  | { kind: 'figures'; figures: Figures }
  | { kind: 'closed' }
  | { kind: 'failed'; reason: string }

let prepared: Prepared | undefined

process.on('message', (request: Request) => {
  answer(request).then(
    reply => process.send!(reply),
    (error: unknown) => {
      const kind = error instanceof Unavailable ? 'skipped' : 'failed'
      const reason = error instanceof Unavailable ? error.message : String((error as Error)?.stack ?? error)
      process.send!({ kind, reason } satisfies Answer)
    },
  )
})
// The parent is gone: servers of this candidate go with `exit`.
process.on('disconnect', () => process.exit(0))

async function answer(request: Request): Promise<Answer> {
  switch (request.kind) {
    case 'prepare': {
      const { measure, peer, directory, options } = request
      prepared = await measureNamed(measure).prepare(peerNamed(peer), directory, options)
      const { version, lesser } = prepared
      return { kind: 'prepared', version, ...(lesser === undefined ? {} : { lesser }) }
    }
    case 'round':
      return { kind: 'figures', figures: await prepared!.round(request.point, request.place) }
    case 'close':
      await prepared!.close()
      return { kind: 'closed' }
  }
}
