/** The package from CommonJS: Node loads ES modules with `require` since 20.19. */
const assert = require('node:assert')
const { OutboundQueue } = require('waq')

async function main(directory) {
  const queue = await OutboundQueue.open(directory, { send: ({ payload }) => payload })
  const { id } = await queue.enqueue({ channel: 'required', payload: { text: 'Hello' } })
  assert.deepEqual((await queue.settled(id)).result, { text: 'Hello' })
  await queue.close()
}

void main(process.argv[2])
