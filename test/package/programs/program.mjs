import { OutboundQueue, WaqError } from 'waq'
import { SegmentedLog } from 'waq/log'
import { renderPrometheus } from 'waq/metrics'
import { memoryQueue } from 'waq/testing'
import { use } from './use.cjs'

use({ OutboundQueue, WaqError, SegmentedLog, renderPrometheus, memoryQueue }, process.argv[2]).then(() => {
  console.log('used')
})
