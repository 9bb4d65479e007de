import type { BatchListener, MessageRef } from '../message-store.js'
import { Recording, type RecordingOwner } from './recording.js'

/** Outcomes of one kind, written all or none: an atomic list of the ack log. */
export class BatchRecording extends Recording {
  encodedAll: readonly Uint8Array[] = []
  /** The messages that they settle. */
  settled: readonly MessageRef[] = []
  ids: readonly string[] = []

  constructor(
    owner: RecordingOwner<BatchRecording>,
    count: number,
    onWritten: (segment: number) => void,
    listener: BatchListener | undefined,
  ) {
    super(
      owner as RecordingOwner,
      onWritten,
      listener && {
        written: () => listener.written(this.ids),
        refused: error => listener.refused(error),
      },
      count,
    )
  }

  override record(index = 0): Uint8Array {
    return this.encodedAll[index]!
  }
}
