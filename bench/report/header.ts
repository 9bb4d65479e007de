import type { Host } from '../method/host.js'

/** Title and value of everything that a figure depends on. */
export function headerLines(host: Host): readonly (readonly [string, string])[] {
  return [
    ['machine', `${host.machine}, ${host.memoryGiB} GiB`],
    ['kernel', host.kernel],
    ['file system', `${host.fileSystem} (${host.mountOptions})`],
    ['device', `${host.device}, write cache: ${host.writeCache}`],
    ['Node', host.node],
    ['waq', host.waq],
    ['CRC32C', host.crc],
    ['load before the run', String(host.loadAverage)],
  ]
}
