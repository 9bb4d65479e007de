import type { OutcomeListener } from '../message-store.js'
import type { MessageIdentity } from '../record/message-identity.js'
import { RESULT_FRAME_TYPE, type ResultPlace } from '../record/result.js'
import { Recording, type RecordingOwner } from './recording.js'

/** A delivery with its result: one atomic list, the result first (`record/result.ts`). */
export class DeliveryRecording extends Recording {
  readonly sequence: number
  readonly result: Uint8Array
  /** Undefined: the message could not be read, so neither id nor result is remembered. */
  identity: MessageIdentity | undefined
  #offset = 0

  /** `sequence`: of the message. The rest as `Recording`. */
  constructor(
    owner: RecordingOwner,
    onWritten: (segment: number) => void,
    listener: OutcomeListener | undefined,
    sequence: number,
    result: Uint8Array,
  ) {
    super(owner, onWritten, listener, 2)
    this.leadType = RESULT_FRAME_TYPE
    this.sequence = sequence
    this.result = result
  }

  /** Where the result was last written. */
  get resultPlace(): ResultPlace {
    return { offset: this.#offset, bytes: this.result.length }
  }

  override record(index: number): Uint8Array {
    return index === 0 ? this.result : this.encoded
  }

  override accepted(segment: number, offset: number): void {
    this.#offset = offset
    super.accepted(segment, offset)
  }

  override moved(segment: number, offset: number): void {
    this.#offset = offset
    super.moved(segment, offset)
  }
}
