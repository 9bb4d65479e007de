import { ChatServer } from './chat-server.js'
import { seededFaults } from './faults.js'
import type { FromServer, ServerSettings, ToServer } from './protocol.js'
import { obeySupervisor } from './supervised.js'

// The chat server in its own process: nothing that happens to the sender can affect its record.

const RECORD_PART = 5000

obeySupervisor()

const { token, seed } = JSON.parse(process.argv[3]!) as ServerSettings

function tell(message: FromServer): void {
  if (process.connected) process.send!(message)
}

let progressDue = false
const server = await ChatServer.listen({
  token,
  faults: seededFaults(seed),
  onProgress() {
    if (progressDue) return
    progressDue = true
    // Once per turn of the event loop is enough.
    setImmediate(() => {
      progressDue = false
      const { requests, taken, duplicates } = server
      tell({ type: 'progress', requests, taken, duplicates })
    })
  },
})

// The supervisor's only request, after the last sender has ended.
process.on('message', (_request: ToServer) => {
  const record = server.record()
  for (let start = 0; start === 0 || start < record.length; start += RECORD_PART) {
    const end = start + RECORD_PART
    tell({ type: 'record', part: record.slice(start, end), last: end >= record.length })
  }
})

tell({ type: 'listening', url: server.url })
