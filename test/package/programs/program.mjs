import { OutboundQueue, WaqError } from 'waq'
import { SegmentedLog } from 'waq/log'
import { renderPrometheus } from 'waq/metrics'
import { use } from './use.cjs'

use({ OutboundQueue, WaqError, SegmentedLog, renderPrometheus }, process.argv[2]).then(() => {
  console.log('used')
})
