import { brakeMutations } from './brake-mutations.js'
import { channelMutations } from './channel-mutations.js'
import { clockMutations } from './clock-mutations.js'
import { commitMutations } from './commit-mutations.js'
import { concurrencyMutations } from './concurrency-mutations.js'
import { deliveryMutations } from './delivery-mutations.js'
import { limitMutations } from './limit-mutations.js'
import { logMutations } from './log-mutations.js'
import type { Mutation } from './mutation.js'
import { pauseMutations } from './pause-mutations.js'
import { priorityMutations } from './priority-mutations.js'
import { queueMutations } from './queue-mutations.js'
import { replaceMutations } from './replace-mutations.js'
import { resultMutations } from './result-mutations.js'
import { returnedMutations } from './returned-mutations.js'
import { secretMutations } from './secret-mutations.js'
import { selectionMutations } from './selection-mutations.js'
import { storeMutations } from './store-mutations.js'
import { testingMutations } from './testing-mutations.js'
import { verdictMutations } from './verdict-mutations.js'

/** Every rule of the engine that can be switched off. */
export const mutations: readonly Mutation[] = [
  ...logMutations,
  ...commitMutations,
  ...storeMutations,
  ...clockMutations,
  ...deliveryMutations,
  ...verdictMutations,
  ...limitMutations,
  ...brakeMutations,
  ...priorityMutations,
  ...testingMutations,
  ...concurrencyMutations,
  ...queueMutations,
  ...replaceMutations,
  ...resultMutations,
  ...returnedMutations,
  ...secretMutations,
  ...selectionMutations,
  ...pauseMutations,
  ...channelMutations,
]
