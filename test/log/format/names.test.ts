import t from 'tap'
import {
  compareFileIds,
  epochIn,
  fileId,
  ownerName,
  parseFileId,
  segmentName,
} from '../../../lib/log/format/names.js'

const TOKEN = '1234567890123456'

t.test('epoch, ordinal and token are parsed from a file name', async t => {
  t.equal(segmentName({ epoch: 3, ordinal: 17, token: TOKEN }), `0000000003-0000000017-${TOKEN}.seg`)
  t.same(parseFileId(`0000000003-0000000017-${TOKEN}.seg`, '.seg'), { epoch: 3, ordinal: 17, token: TOKEN })
  t.same(parseFileId(`0000000003-0000000017-${TOKEN}`, ''), { epoch: 3, ordinal: 17, token: TOKEN })
  t.same(parseFileId(`0000000003-0000000017-${TOKEN}.tmp`, '.tmp'), { epoch: 3, ordinal: 17, token: TOKEN })
  const large = { epoch: 12_345_678_901, ordinal: 2, token: TOKEN }
  t.same(parseFileId(segmentName(large), '.seg'), large, 'also past ten digits')
})

t.test('a file name that is not ours has no epoch and no ordinal', async t => {
  for (const name of [
    '',
    '3-17.seg',
    `0000000003-0000000017-${TOKEN}.seg.bak`,
    `x0000000003-0000000017-${TOKEN}.seg`,
    '.seg',
  ])
    t.equal(parseFileId(name, '.seg'), undefined, name)
  t.equal(parseFileId(`0000000003-0000000017-${TOKEN}.tmp`, ''), undefined, 'an unfinished manifest is none')
})

t.test('the epoch is found in every kind of file name', async t => {
  t.equal(epochIn(ownerName(12, TOKEN)), 12)
  t.equal(epochIn(segmentName({ epoch: 12, ordinal: 99, token: TOKEN })), 12)
  t.equal(epochIn(fileId({ epoch: 12, ordinal: 99, token: TOKEN })), 12)
  t.equal(epochIn(`${fileId({ epoch: 12, ordinal: 99, token: TOKEN })}.tmp`), 12)
  t.equal(
    epochIn(`messages-${segmentName({ epoch: 12, ordinal: 99, token: TOKEN })}-64`),
    12,
    'in quarantine',
  )
  t.equal(epochIn('manifests-0'), 0)
  t.equal(epochIn('.DS_Store'), 0)
})

t.test('file names are ordered by epoch and ordinal as numbers', async t => {
  t.ok(
    compareFileIds(
      { epoch: 1, ordinal: 12_345_678_901, token: TOKEN },
      { epoch: 2, ordinal: 1, token: TOKEN },
    ) < 0,
  )
  t.ok(
    compareFileIds(
      { epoch: 1, ordinal: 2, token: TOKEN },
      { epoch: 1, ordinal: 12_345_678_901, token: TOKEN },
    ) < 0,
  )
  t.equal(compareFileIds({ epoch: 1, ordinal: 2, token: TOKEN }, { epoch: 1, ordinal: 2, token: TOKEN }), 0)
})
