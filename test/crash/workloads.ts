import { logWorkloads } from './log-workloads.js'
import { segmentedWorkloads } from './segmented-workloads.js'
import { sendWorkloads } from './send-workloads.js'
import { storeWorkloads } from './store-workloads.js'
import type { Workload } from './world.js'

export const WORKLOADS: Readonly<Record<string, Workload>> = {
  ...logWorkloads,
  ...segmentedWorkloads,
  ...storeWorkloads,
  ...sendWorkloads,
}
