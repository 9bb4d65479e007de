import fs from 'node:fs'
import { constants } from 'node:os'
import t from 'tap'
import {
  creationError,
  isDiskFull,
  needsBytes,
  remedyOf,
  systemCode,
} from '../../../lib/log/errors/system-error.js'
import { asWaqError } from '../../../lib/log/errors/waq-error.js'
import { WriteError } from '../../../lib/log/fs/write.js'
import { createSymlinkRecord } from '../../../lib/log/lock/symlink-record.js'
import { systemError } from '../../../lib/testing/disk/disk-process.js'

t.test('every system error has its name, also those for which Node has none', async t => {
  for (const [name, number] of Object.entries(constants.errno)) {
    // Some numbers have two names, and those of Windows no number of the system.
    const names = Object.keys(constants.errno).filter(
      other => constants.errno[other as keyof typeof constants.errno] === number,
    )
    t.ok(names.includes(systemCode(systemError(name, 'write', '/queue')) ?? ''), name)
  }
  t.equal(systemCode({ code: 'Unknown system error -122' }), nameOf(122))
  t.equal(systemCode({ code: 'Unknown system error -99999' }), 'Unknown system error -99999')
  t.equal(systemCode({ code: 5 }), undefined)
  t.equal(systemCode(undefined), undefined)
})

function nameOf(number: number): string | undefined {
  return Object.entries(constants.errno).find(([, other]) => other === number)?.[0]
}

t.test('a full disk, an exceeded quota and a read-only file system name the remedy', async t => {
  for (const [code, waqCode, message] of [
    ['ENOSPC', 'WAQ_DISK_FULL', /^x: ENOSPC.*free some space\.$/],
    ['EDQUOT', 'WAQ_DISK_FULL', /^x: EDQUOT: disk quota exceeded, write '\/queue'\. .*have it raised\.$/],
    ['EROFS', 'WAQ_IO', /^x: EROFS.*mount it for writing/],
  ] as const) {
    const error = systemError(code, 'write', '/queue')
    for (const wrapped of [error, new WriteError(0, error)]) {
      const typed = asWaqError(wrapped, 'x')
      t.equal(typed.code, waqCode)
      t.match(typed.message, message)
      t.equal(remedyOf(typed), remedyOf(error))
    }
  }
  const other = asWaqError(systemError('EIO', 'write', '/queue'), 'x')
  t.equal(other.message, "x: EIO: injected, write '/queue'")
})

t.test('a creation that fails for want of an inode says so, and needs no bytes', async t => {
  const { statfsSync } = fs
  t.teardown(() => {
    fs.statfsSync = statfsSync
  })
  const refusal = () =>
    Object.assign(new Error("ENOSPC: no space left on device, open '/queue/x'"), { code: 'ENOSPC' })
  // Of a file system that makes inodes as it needs them there are none at all.
  for (const [files, ffree] of [
    [8, 1],
    [0, 0],
  ]) {
    fs.statfsSync = (() => ({ files, ffree })) as unknown as typeof fs.statfsSync
    t.equal(needsBytes(creationError(refusal(), '/queue/x')), true)
  }
  fs.statfsSync = (() => ({ files: 8, ffree: 0 })) as unknown as typeof fs.statfsSync
  const error = asWaqError(creationError(refusal(), '/queue/x'), 'x')
  t.equal(isDiskFull(error), true)
  t.equal(needsBytes(error), false)
  t.equal(error.code, 'WAQ_DISK_FULL')
  t.match(error.message, /ENOSPC: no inode left on the file system, open '\/queue\/x'\. .*remove files/)
  const other = systemError('EIO', 'open', '/queue/x')
  t.equal(creationError(other, '/queue/x'), other)
})

t.test('the error of a symlink record that cannot be made does not show the record', async t => {
  const path = '/nonesuch/.mutex'
  t.throws(() => createSymlinkRecord(path, '{"pid":7}'), {
    code: 'ENOENT',
    message: `ENOENT: no such file or directory, symlink '${path}'`,
    path,
  })
  try {
    createSymlinkRecord(path, '{"pid":7}')
  } catch (error) {
    t.notMatch(JSON.stringify(error), 'pid')
  }
})
