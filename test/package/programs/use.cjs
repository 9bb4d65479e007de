const { useMemory } = require('./memory.cjs')

/**
 * What every program here does with the package, however it came by it. It loads nothing of it itself, so that it can
 * stand in every kind of bundle. Throws where something is not as it should be.
 */
exports.use = async (waq, directory) => {
  const { OutboundQueue, WaqError, SegmentedLog, renderPrometheus } = waq
  const payload = { text: '안녕하세요 👋', at: new Date(0), bytes: Uint8Array.of(0, 255) }
  const sent = []
  const queue = await OutboundQueue.open(directory, {
    send: delivery => {
      sent.push(delivery.payload)
      return delivery.payload.text
    },
  })
  const { id } = await queue.enqueue({ channel: 'tools', payload })
  const { result } = await queue.settled(id)
  equal(result, payload.text)
  equal(sent.length, 1)
  equal(Number(sent[0].at), 0)
  equal([...sent[0].bytes].join(), '0,255')
  const refusal = await queue.enqueue({ channel: '', payload }).catch(error => error)
  equal(refusal instanceof WaqError, true)
  equal(refusal.code, 'WAQ_INVALID_MESSAGE')
  equal(renderPrometheus(queue).includes('waq_delivered_total 1'), true)
  await queue.close()

  const log = await SegmentedLog.open(`${directory}-log`)
  await log.append(Buffer.from('one record'))
  const records = []
  for await (const { data } of log.read()) records.push(data.toString())
  equal(records.join(), 'one record')
  await log.close()
  await useMemory(waq)
}

function equal(found, wanted) {
  if (found !== wanted) throw new Error(`found ${found} instead of ${wanted}`)
}
