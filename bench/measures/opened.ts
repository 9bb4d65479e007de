import type { OpenPeer } from '../peers/peer.js'
import type { Prepared } from './measure.js'

/** What every measure answers about the candidate that it opened. */
export function about({ version, lesser }: OpenPeer): Pick<Prepared, 'version' | 'lesser'> {
  return lesser === undefined ? { version } : { version, lesser }
}
