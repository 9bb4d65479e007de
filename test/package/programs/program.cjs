const { OutboundQueue, WaqError } = require('waq')
const { SegmentedLog } = require('waq/log')
const { renderPrometheus } = require('waq/metrics')
const { use } = require('./use.cjs')

use({ OutboundQueue, WaqError, SegmentedLog, renderPrometheus }, process.argv[2]).then(() => {
  console.log('used')
})
