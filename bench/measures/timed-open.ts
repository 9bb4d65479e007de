/** A process that opens a store and counts what waits, once: `node timed-open.js PEER DIRECTORY`. */
import { peerNamed } from '../peers/all.js'

const [, , name = '', directory = ''] = process.argv
const peer = peerNamed(name)
const startedAt = performance.now()
const opened = await peer.open(directory, { delivering: false })
const pending = await opened.pending!()
const openMs = performance.now() - startedAt
process.send!({ openMs, pending, rssMiB: process.memoryUsage.rss() / 2 ** 20 })
