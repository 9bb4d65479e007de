import { credentialShapes } from './credential-shapes.js'
import { HIDDEN } from './hidden.js'
import { looksRandom } from './random-word.js'
import { redactUrls } from './url.js'

/** No more of a text than this is checked or shown. */
const MAX_LOOKED_AT = 10_000

/** Headers whose value is a credential, whatever it looks like. */
const HEADER = [
  '(?:proxy-)?authorization',
  '(?:set-)?cookie',
  String.raw`x-[\w-]{0,30}(?:key|token|secret|signature|auth)(?:-\d{1,3})?`,
].join('|')
/** Names of a field, a variable or a parameter that holds one. */
const NAME = [
  'pass(?:word|wd|phrase)|pwd|secret|token',
  '(?:api|access|account|private|auth|signing|license|subscription)[-_ ]?key',
  'credentials?|signature|session[-_]?id|(?<![a-z])(?:pass|auth|sig)',
].join('|')

/** Credentials found by the text before or around them. A function decides if a word may be harmless. */
const PLACES: readonly (readonly [
  pattern: RegExp,
  replacement: string | ((...found: string[]) => string),
])[] = [
  // A header's value that a client refused, quoted: fetch, grpc-js.
  [/(Headers\.\w{1,20}: )"[\s\S]*$/g, `$1${HIDDEN}`],
  [/(\bvalue )"[^"]*"( (?:contains|is|has) (?:an? )?(?:illegal|invalid))/gi, `$1${HIDDEN}$2`],
  // authorization: "…", ['x-api-key', '…'], Cookie: a=b; c=d
  [
    new RegExp(String.raw`\b(${HEADER})(\\?["'])(\s{0,5}[:=,]\s{0,5}\\?["'])[^"'\r\n\\]+`, 'gi'),
    `$1$2$3${HIDDEN}`,
  ],
  [
    new RegExp(
      [
        String.raw`\b(${HEADER})`,
        String.raw`(?![\s:=]{1,6}(?:required|missing|failed|invalid|denied)\b)`,
        String.raw`(?!\s{0,5}[:=]\s{0,5}\\?["']?\[redacted)`,
        String.raw`(\s{0,5}[:=]\s{0,5}(?:\[\s?)?\\?["']?)(?:Digest [^\r\n]+|[^"',}\r\n\\]+)`,
      ].join(''),
      'gi',
    ),
    `$1$2${HIDDEN}`,
  ],
  // "token": "…", password='…'
  [
    new RegExp(String.raw`(${NAME})(\\?["']?\s{0,3}[:=]\s{0,3}\\?["'])(?!\[redacted)[^"'\\]+`, 'gi'),
    `$1$2${HIDDEN}`,
  ],
  // password=…, "pwd": 1234
  [
    new RegExp(
      String.raw`(${NAME})(\s{0,3}=\s{0,3}|\\?["']\s{0,3}:\s{0,3})(?!\[redacted)[^\s"'&;,}\])\\]+`,
      'gi',
    ),
    `$1$2${HIDDEN}`,
  ],
  // password: hunter2, accessToken: …; a word, or a number, is no credential.
  [
    new RegExp(String.raw`(${NAME})(\\?["']?:\s{1,3})(?!\[redacted)([^\s"',;{}[\]()]{4,})`, 'gi'),
    (found, name, between, value) => (isMixed(value!) ? `${name}${between}${HIDDEN}` : found!),
  ],
  // password is 'hunter2'
  [
    new RegExp(
      String.raw`(${NAME})((?:\s{1,3}[a-z]{1,10}){0,2}\s{1,3}["'])(?!\[redacted)([^\s"']{4,})`,
      'gi',
    ),
    (found, name, between, value) => (isMixed(value!) ? `${name}${between}${HIDDEN}` : found!),
  ],
  // The command line of a program that failed; a proxy without its scheme.
  [/(\s(?:-u|--user|--proxy-user)[ =]["']?[^\s:"']{1,64}:)[^\s"']+/g, `$1${HIDDEN}`],
  [/(?<![\w.+-])([\w.+-]{1,64}:)[^\s@/:"'[\]]{1,64}(?=@[\w.-]{1,253}:\d{2,5}\b)/g, `$1${HIDDEN}`],
  // A query without its host: /send?key=…&text=…
  [/([?&][\w.[\]-]{1,40}=)(?!\[redacted)[^\s&#"'<>\\]+/g, `$1${HIDDEN}`],
  // Incorrect API key provided: …, the token … is invalid. It may be a word: only what looks random goes.
  [
    new RegExp(String.raw`\b(${NAME})((?:\s{1,3}[a-z]{1,10}){0,2}:?\s{1,3}["'(]?)([\w.~+/=%-]{8,})`, 'gi'),
    (found, name, between, value) =>
      looksRandom(value!) && !A_DATE.test(value!) ? `${name}${between}${HIDDEN}` : found!,
  ],
  [
    /\b(bearer|basic|bot|token|apikey|plain|xoauth2)(\s{1,5}|%20)([\w.~+/=-]{6,})/gi,
    (found, scheme, between, value) =>
      looksRandom(value!) || value!.length >= 20 ? `${scheme}${between}${HIDDEN}` : found!,
  ],
  // A long run of capitals, small letters and digits that does not go on from a path or a dot.
  [
    /(?<![\w+/=.-])[A-Za-z0-9_+=-]{40,}/g,
    (...[run]) => (/[A-Z]/.test(run!) && /[a-z]/.test(run!) && /\d/.test(run!) ? HIDDEN : run!),
  ],
]

/** Letters and digits: neither a word nor a number. */
function isMixed(text: string): boolean {
  return /\d/.test(text) && /[a-z]/i.test(text) && !A_DATE.test(text)
}

const A_DATE = /^\d{4}-\d\d-\d\d/

/** "TypeError", "ECONNRESET": most of the texts that are checked. */
const NAME_OF_AN_ERROR = /^[A-Za-z_]{0,24}$/

/** The text without the credentials that are recognised in it. In linear time. */
export function redact(text: string): string {
  if (NAME_OF_AN_ERROR.test(text)) return text
  let result = redactUrls(text)
  for (const { pattern } of credentialShapes) result = result.replace(pattern, HIDDEN)
  for (const [pattern, replacement] of PLACES) result = result.replace(pattern, replacement as string)
  return result
}

/**
 * A text that may leave the process or reach a disk: every reason, error message and printed text goes
 * through here. It is redacted before it is cut to length, since half a credential is not recognised.
 */
export function publicText(text: string, maxLength: number): string {
  return clip(redact(lookedAt(text)), maxLength)
}

/** The part that is checked, not cut in the middle of a word. */
function lookedAt(text: string): string {
  if (text.length <= MAX_LOOKED_AT) return text
  const cut = text.slice(0, MAX_LOOKED_AT)
  const spaceAt = Math.max(cut.lastIndexOf(' '), cut.lastIndexOf('\n'))
  return spaceAt < 0 ? cut : cut.slice(0, spaceAt)
}

function clip(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`
}
