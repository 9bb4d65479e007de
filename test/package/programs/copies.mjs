/** Two copies of the package in one process: what `import` loads, and what `require` loads. */
import { strict as assert } from 'node:assert'
import { createRequire } from 'node:module'
import * as imported from 'waq'
import { WaqError as errorOfLog } from 'waq/log'

const required = createRequire(import.meta.url)('waq')
assert.notEqual(imported.OutboundQueue, required.OutboundQueue, 'they are two')

const directory = process.argv[2]
for (const [here, there] of [
  [imported, required],
  [required, imported],
]) {
  const queue = await here.OutboundQueue.open(directory)
  const refusal = await there.OutboundQueue.open(directory).catch(error => error)
  assert.equal(refusal.code, 'WAQ_LOCKED', 'they know of each other')
  assert.equal(refusal.owner.pid, process.pid)
  for (const { WaqError } of [imported, required, { WaqError: errorOfLog }])
    assert(refusal instanceof WaqError)
  await queue.close()
  await (await there.OutboundQueue.open(directory)).close()
}
for (const { SendError } of [imported, required])
  assert(new imported.SendError('later', { kind: 'retry' }) instanceof SendError)
console.log('used')
