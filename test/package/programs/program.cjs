const { OutboundQueue, WaqError } = require('waq')
const { SegmentedLog } = require('waq/log')
const { renderPrometheus } = require('waq/metrics')
const { memoryQueue } = require('waq/testing')
const { use } = require('./use.cjs')

use({ OutboundQueue, WaqError, SegmentedLog, renderPrometheus, memoryQueue }, process.argv[2]).then(() => {
  console.log('used')
})
