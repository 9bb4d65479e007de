import { HIDDEN } from './hidden.js'
import { looksRandom } from './random-word.js'

/** A URL in a text, also one whose slashes JSON has escaped. */
const URLS = /\b[a-z][a-z0-9+.-]{0,20}:(?:\/\/|\\\/\\\/)(?:[^\s"'`<>\\]|\\\/)+/gi

/** Punctuation after a URL, which belongs neither to it nor to a redaction in it. */
const TRAILING = /(?<!\[redacted)[.,;:!?)\]}]{1,9}$/

/** A segment such as `hooks` or `webhook` is followed by the secret of the caller. */
const HOOK = /^(?:web|incoming)?[-_]?hooks?(?:b\d)?$|^(?:api[-_]?)?keys?$|^tokens?$/i

/** Hosts whose whole path is the key. */
const HOOK_HOSTS =
  /(?:^|[/.@])(?:[a-z0-9-]*hooks?\d?\.|ntfy\.sh|api\.day\.app|sctapi\.ftqq\.com|sc\.ftqq\.com)/i

/** Such a host without its scheme, and a path by itself: `POST /bot1:AA/sendMessage`, `/hooks/…`. */
const BARE_HOOK_HOST =
  /\b(hooks\.(?:slack|zapier)\.com|discord(?:app)?\.com\/api\/webhooks)\/(?!\[)[^\s"'`<>?#]+/gi
const BARE_HOOK_PATH = /(\/(?:(?:web|incoming)?[-_]?hooks?(?:b\d)?|interactions)\/)([^\s"'`<>?#]+)/gi
const BARE_BOT_PATH = /(\/bot)\d{1,20}(?::|%3A)[\w-]+/gi

/**
 * In a URL only the scheme, the host and words of the path are harmless: hides the user, values of the query,
 * and path segments that look random. Paths of files stay as they are.
 */
export function redactUrls(text: string): string {
  if (!text.includes('/')) return text
  return text
    .replace(URLS, redactUrl)
    .replace(BARE_HOOK_HOST, `$1/${HIDDEN}`)
    .replace(BARE_BOT_PATH, `$1${HIDDEN}`)
    .replace(BARE_HOOK_PATH, (found, hook, rest) => (looksRandom(rest) ? `${hook}${HIDDEN}` : found))
}

function redactUrl(found: string): string {
  if (/^file:/i.test(found)) return found
  const tail = TRAILING.exec(found)?.[0] ?? ''
  const url = found.slice(0, found.length - tail.length).replaceAll('\\/', '/')
  const afterScheme = url.indexOf('://') + 3
  const hostAt = afterUser(url, afterScheme)
  const pathAt = indexOfAny(url, '/?#', hostAt)
  const queryAt = indexOfAny(url, '?#', pathAt)
  const user = hostAt > afterScheme ? `${HIDDEN}@` : ''
  const origin = `${url.slice(0, afterScheme)}${user}${url.slice(hostAt, pathAt)}`
  return origin + redactPath(origin, url.slice(pathAt, queryAt)) + redactQuery(url.slice(queryAt)) + tail
}

/** Where the host begins. A password may hold an `@`, and in a connection string also a slash. */
function afterUser(url: string, from: number): number {
  const end = /^(?:https?|wss?):/i.test(url) ? indexOfAny(url, '/?#', from) : url.length
  const at = url.lastIndexOf('@', end - 1)
  return at < from ? from : at + 1
}

function redactPath(origin: string, path: string): string {
  const segments = path.split('/')
  const hookAt = HOOK_HOSTS.test(origin) ? 0 : segments.findIndex(segment => HOOK.test(segment))
  return segments
    .slice(0, hookAt < 0 ? segments.length : hookAt + 1)
    .map(segment => redactSegment(segment))
    .concat(hookAt >= 0 && segments.length > hookAt + 1 ? [HIDDEN] : [])
    .join('/')
}

function redactSegment(segment: string): string {
  if (/^bot\d{1,20}(?::|%3A)/i.test(segment)) return `bot${HIDDEN}`
  return looksRandom(segment) ? HIDDEN : segment
}

function redactQuery(query: string): string {
  const hashAt = query.indexOf('#')
  const first = hashAt < 0 ? query : query.slice(0, hashAt)
  const fragment = query.slice(first.length)
  const values = first
    .split('&')
    .map(pair => (pair.includes('=') ? pair.slice(0, pair.indexOf('=') + 1) + HIDDEN : hiddenName(pair)))
    .join('&')
  return values + (fragment.includes('=') || looksRandom(fragment) ? `#${HIDDEN}` : fragment)
}

function hiddenName(name: string): string {
  return looksRandom(name) ? `${name.startsWith('?') ? '?' : ''}${HIDDEN}` : name
}

function indexOfAny(text: string, characters: string, from: number): number {
  for (let index = from; index < text.length; index += 1) if (characters.includes(text[index]!)) return index
  return text.length
}
