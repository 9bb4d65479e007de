/**
 * A sender in a container: it is ready when its queue is open, stops being ready before it stops, and ends in time.
 *
 *     RECEIVER_URL=https://… PORT=8080 node container.js
 */
import { createServer } from 'node:http'
import { OutboundQueue } from 'waq'
import { renderPrometheus } from 'waq/metrics'
import { webhookSender } from './webhook.js'

const queue = await OutboundQueue.open(process.env.OUTBOX ?? '/data/outbox', {
  send: webhookSender(process.env.RECEIVER_URL ?? 'http://localhost:9000/'),
  // In a rolling update the old container may hold the volume for as long as it may take to stop.
  lock: { waitMs: 30_000 },
})

let stopping = false
const server = createServer((request, response) => {
  // Alive: the process answers. What waits in the queue is no reason to be restarted.
  if (request.url === '/livez') return response.writeHead(200).end()
  if (request.url === '/readyz') return response.writeHead(stopping ? 503 : 200).end()
  if (request.url === '/metrics') {
    return response
      .writeHead(200, { 'content-type': 'text/plain; version=0.0.4' })
      .end(renderPrometheus(queue))
  }
  return response.writeHead(404).end()
})
server.listen(Number(process.env.PORT ?? 8080), () => console.log('ready'))

// `on`, not `once`: the lock's own exit handler would otherwise end the process before `close` is done.
process.on('SIGTERM', stop)
process.on('SIGINT', stop)
async function stop() {
  if (stopping) return
  stopping = true
  // Below the grace period of the orchestrator: 10 s with Docker, 30 s with Kubernetes.
  await queue.close({ graceMs: 8_000 })
  server.close()
  server.closeAllConnections()
}

// Another process owns the directory now. This one can do no more: let it be started anew.
queue.on('lockLost', error => {
  console.error(error.message)
  process.exit(1)
})
queue.on('error', error => console.error(error.message))
