const HIDDEN = '[redacted]'

/**
 * Credentials as they appear in the messages of errors, each with what stays. Repetitions that may fail are bounded,
 * so that no message, however it is made, takes long.
 */
const SECRETS: readonly (readonly [pattern: RegExp, replacement: string])[] = [
  // https://user:password@host
  [/\b([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/?#@]{1,500}@/gi, `$1${HIDDEN}@`],
  // https://api.telegram.org/bot<id>:<token>/sendMessage, and /file/bot<id>:<token>/
  [/(\/bot)\d{1,20}(?::|%3A)[\w-]+/gi, `$1${HIDDEN}`],
  // A Telegram token by itself.
  [/\b\d{6,20}:[\w-]{30,}/g, HIDDEN],
  // https://hooks.slack.com/services/T…/B…/…, https://discord.com/api/webhooks/<id>/<token>
  [/(hooks\.slack\.com\/(?:services|workflows|triggers)\/)[^\s?#"']+/gi, `$1${HIDDEN}`],
  [/(\/webhooks\/\d{1,30}\/)[\w-]+/gi, `$1${HIDDEN}`],
  // ?token=…, &api_key=…
  [
    /([?&;](?:[\w-]{0,40}(?:token|secret|password|passwd|signature|credential|key)|auth|sig|code)=)[^\s&#"']+/gi,
    `$1${HIDDEN}`,
  ],
  // A header's value in a dump: authorization: "…", x-api-key: …
  [
    /\b((?:proxy-)?authorization|x-api-key|set-cookie|cookie)(["']?\s{0,5}[:=]\s{0,5}["']?)[^"',}\r\n]+/gi,
    `$1$2${HIDDEN}`,
  ],
  // Bearer …, Basic …, Bot … by themselves; long ones only, since these are words too.
  [/\b(bearer|basic|bot)(\s{1,5})[\w.~+/=-]{20,}/gi, `$1$2${HIDDEN}`],
  // Slack tokens.
  [/\bx(?:ox[a-z]|app)-[\w-]+/gi, HIDDEN],
]

/** The text without the credentials that it is seen to hold. */
export function redact(text: string): string {
  let result = text
  for (const [pattern, replacement] of SECRETS) result = result.replace(pattern, replacement)
  return result
}
