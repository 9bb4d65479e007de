import os from 'node:os'
import t from 'tap'
import { networkFileSystemName, refuseNetworkFileSystem } from '../../../lib/log/fs/network-file-system.js'

t.test('network file systems are recognised by their type number', async t => {
  t.equal(networkFileSystemName(0x6969), 'NFS')
  t.equal(networkFileSystemName(0xff534d42), 'CIFS')
  t.equal(networkFileSystemName(0xff534d42 | 0), 'CIFS', 'as a signed number of 32 bits')
  t.equal(networkFileSystemName(0xfe534d42), 'SMB2')
  t.equal(networkFileSystemName(0x01021997), '9p')
  t.equal(networkFileSystemName(0x0bd00bd0), 'Lustre')
})

t.test('local file systems are not taken for network file systems', async t => {
  for (const [name, type] of [
    ['ext4', 0xef53],
    ['xfs', 0x58465342],
    ['btrfs', 0x9123683e],
    ['tmpfs', 0x01021994],
    ['overlay', 0x794c7630],
    ['zfs', 0x2fc12fc1],
  ] as const) {
    t.equal(networkFileSystemName(type), undefined, name)
  }
})

const onLinux = process.platform === 'linux' ? {} : { skip: 'type numbers mean something on Linux only' }

t.test('a directory on a network file system is refused unless the option allows it', onLinux, async t => {
  const nfs = async () => 0x6969
  await t.rejects(refuseNetworkFileSystem('/mnt/outbox', false, nfs), {
    code: 'WAQ_INVALID_OPTION',
    message: /^\/mnt\/outbox .*NFS, statfs type 0x6969.*advanced\.allowNetworkFileSystem/,
  })
  await t.resolves(refuseNetworkFileSystem('/mnt/outbox', true, nfs))
})

t.test('the directory for temporary files is on a local file system', async t => {
  await t.resolves(refuseNetworkFileSystem(os.tmpdir(), false))
})
