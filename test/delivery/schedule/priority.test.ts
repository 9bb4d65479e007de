import fc from 'fast-check'
import t from 'tap'
import { Gate } from '../../../lib/delivery/schedule/gate.js'
import type { Ready } from '../../../lib/delivery/schedule/ready-list.js'
import { Harness, open, permanent } from '../fixtures/harness.js'

const limited = { rateLimit: { global: { count: 1, perMs: 1_000 } } }

t.test('of channels that wait for one limit the one with the highest priority goes first', async t => {
  for (const [kind, options] of [
    ['a limit of all', limited],
    ['a limit of a group', { groups: { 'tg:*': { rateLimit: { count: 1, perMs: 1_000 } } } }],
    ['a slot', { concurrency: 1 }],
    ['a slot of a group', { groups: { '*': { concurrency: 1 } } }],
  ] as const) {
    const h = new Harness(options)
    h.add('tg:first')
    for (const [name, priority] of [
      ['low', -8],
      ['none', undefined],
      ['high', 7],
      ['zero', 0],
      ['one', 1],
    ] as const)
      h.add(`tg:${name}`, { priority })
    await h.pass(10_000)
    t.same(
      h.sent.map(({ channel }) => channel),
      ['tg:high', 'tg:one', 'tg:first', 'tg:none', 'tg:zero', 'tg:low'],
      kind,
    )
  }
})

t.test('a channel has the highest priority of all that waits in it, and keeps its order', async t => {
  const h = new Harness(limited)
  h.add('taken')
  await h.pass()
  h.add('a')
  h.add('b')
  h.add('b', { priority: 5 })
  h.add('c', { priority: 1 })
  await h.pass(5_000)
  t.same(
    h.sent.map(({ channel, id }) => `${channel} ${id}`),
    ['taken m1', 'b m3', 'b m4', 'c m5', 'a m2'],
  )
})

t.test('a channel has the priority of its options for messages that have none of their own', async t => {
  const h = new Harness({
    ...limited,
    channelOptions: channel => (channel === 'bulk' ? { priority: -4 } : undefined),
  })
  h.add('taken')
  await h.pass()
  h.add('bulk')
  h.add('a')
  h.add('bulk', { priority: -8 })
  await h.pass(4_000)
  t.same(
    h.sent.map(({ channel }) => channel),
    ['taken', 'a', 'bulk', 'bulk'],
  )
})

t.test('a message that leaves a channel that is ready takes its priority along', async t => {
  const h = new Harness(limited)
  h.add('taken')
  await h.pass()
  h.add('a')
  h.add('b')
  const urgent = h.add('b', { priority: 7 })
  await h.cancel(urgent)
  await h.pass(4_000)
  t.same(
    h.sent.map(({ channel }) => channel),
    ['taken', 'a', 'b'],
  )
})

t.test('every tenth place goes to the channel that waited longest, whatever its priority', async t => {
  for (const options of [
    limited,
    { groups: { '*': { rateLimit: { count: 1, perMs: 1_000 } } } },
    { groups: { 'bulk*': {}, 'reply*': {} }, ...limited },
  ]) {
    const h = new Harness(options)
    h.add('taken')
    await h.pass()
    for (let n = 0; n < 3; n += 1) h.add(`bulk ${n}`, { priority: -8 })
    for (let n = 0; n < 40; n += 1) h.add(`reply ${n}`, { priority: 7 })
    await h.pass(60_000)
    const places = h.sent.flatMap(({ channel }, place) => (channel.startsWith('bulk') ? [place] : []))
    t.same(places, [10, 20, 30])
    t.same(
      h.sent.filter(({ channel }) => channel.startsWith('bulk')).map(({ channel }) => channel),
      ['bulk 0', 'bulk 1', 'bulk 2'],
    )
  }
})

t.test('a message that is not due yet gives its channel no priority', async t => {
  const h = new Harness(limited)
  h.add('a', { priority: 7 })
  await h.pass(1_000)
  h.add('b', { priority: 3, deliverAt: h.time.wall() + 5_000 })
  h.add('c')
  h.add('b')
  await h.pass(10_000)
  t.same(
    h.sent.map(({ channel }) => channel),
    ['a', 'c', 'b', 'b'],
  )
})

t.test('a priority holds after a crash', async t => {
  const h = new Harness(limited)
  const held = open()
  h.answer('taken', held.answer)
  h.add('taken')
  await h.pass()
  h.add('a')
  h.add('b', { priority: 2 })
  const after = await h.crash(limited)
  await after.pass(10_000)
  t.same(
    after.sent.map(({ channel }) => channel),
    ['b', 'taken', 'a'],
  )
})

t.test('a dead letter that lives again has its priority', async t => {
  const h = new Harness(limited)
  h.answer('b', permanent, 'ok')
  const dead = h.add('b', { priority: 2 })
  await h.pass()
  h.add('a')
  await h.dispatcher.redrive([dead], 'original')
  await h.pass(5_000)
  t.same(
    h.sent.map(({ channel }) => channel),
    ['b', 'b', 'a'],
  )
})

interface Member extends Ready {
  readonly gate: Gate
}

t.test(
  'gates in gates give their places as a sorted list would, after any joining, leaving and changing',
  async () => {
    const operation = fc.record({
      kind: fc.constantFrom('join', 'leave', 'change', 'give', 'retract'),
      gate: fc.nat(4),
      priority: fc.integer({ min: -8, max: 7 }),
      which: fc.nat(),
    })
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 120, size: 'max' }), operations => {
        const everything = new Gate('global', '')
        const outer = new Gate('group', 'a', everything)
        const gates = [
          everything,
          outer,
          new Gate('group', 'ab', outer),
          new Gate('group', 'ac', outer),
          new Gate('group', 'b', everything),
        ]
        const members: Member[] = []
        let tickets = 0
        let passedOver = 0
        for (const { kind, gate: at, priority, which } of operations) {
          const member = members[which % Math.max(members.length, 1)]
          if (kind === 'join') {
            const gate = gates[at]!
            const fresh = {
              ticket: tickets++,
              priority,
              readyBefore: undefined,
              readyAfter: undefined,
              gate,
            }
            members.push(fresh)
            gate.push(fresh)
          } else if (kind === 'retract') {
            const gate = gates[at]!
            if (gate.outer !== undefined) {
              gate.retract()
              gate.offer()
            }
          } else if (member !== undefined && kind === 'change') {
            member.gate.reprioritize(member, priority)
          } else if (member !== undefined) {
            let gone = member
            if (kind === 'give') {
              let byAge = false
              let next: Ready | Gate = everything
              while (next instanceof Gate) {
                byAge ||= next === everything && next.owesOldest
                next = (byAge ? next.oldest : next.next)!
              }
              gone = next as Member
              const oldest = members.reduce((one, other) => (one.ticket < other.ticket ? one : other))
              const first = members.reduce((one, other) =>
                one.priority > other.priority ||
                (one.priority === other.priority && one.ticket < other.ticket)
                  ? one
                  : other,
              )
              if (gone !== (passedOver >= 9 ? oldest : first)) return false
              passedOver = gone === oldest ? 0 : passedOver + 1
              for (const passed of gone.gate.path) passed.gavePlaceTo(gone)
            }
            members.splice(members.indexOf(gone), 1)
            gone.gate.remove(gone)
          }
          const anyLeft = everything.next !== undefined
          if (anyLeft !== members.length > 0) return false
        }
        return true
      }),
      { numRuns: 300 },
    )
  },
)
