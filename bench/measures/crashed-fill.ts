/** A process that fills a store and is then killed: `node crashed-fill.js PEER DIRECTORY COUNT`. */
import { peerNamed } from '../peers/all.js'
import { fillTo } from './backlog.js'

const [, , name = '', directory = '', count = '0'] = process.argv
const opened = await peerNamed(name).open(directory, { delivering: false })
await fillTo(opened, Number(count))
process.send!('filled')
// Open, until it is killed.
setInterval(() => {}, 1_000)
