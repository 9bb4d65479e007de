/** How the credentials of one issuer look, anywhere in a text. */
export interface CredentialShape {
  readonly of: string
  readonly pattern: RegExp
}

/**
 * Credentials with a beginning by which they can be found; most are listed by
 * [gitleaks](https://github.com/gitleaks/gitleaks/blob/master/config/gitleaks.toml) too. A pattern takes
 * linear time: each repetition ends it, or cannot begin inside itself (`(?<!…)`).
 */
export const credentialShapes: readonly CredentialShape[] = [
  {
    of: 'a private key (PEM)',
    pattern: /-----BEGIN [A-Z ]{0,30}PRIVATE KEY[A-Z ]{0,10}-----[\s\S]*?(?:-----END [A-Z ]{0,50}-----|$)/g,
  },
  { of: 'a JSON Web Token', pattern: /(?<![\w-])ey[\w-]{8,}\.ey[\w-]{4,}(?:\.[\w-]*)*/g },
  {
    of: 'an encrypted JSON Web Token',
    pattern: /(?<![\w-])ey[\w-]{8,}\.[\w-]*\.[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}/g,
  },
  { of: 'Telegram', pattern: /(?<!\d)\d{5,20}(?::|%3A)[\w-]{30,}/gi },
  { of: 'Discord', pattern: /(?<![\w.-])[A-Z][\w-]{22,30}\.[\w-]{6,7}\.[\w-]{27,}/g },
  { of: 'Slack', pattern: /\b(?:xox[a-z]|xapp|xwfp)(?:\.xox[a-z])?-[\w%/+=.-]+/gi },
  { of: 'OpenAI, Anthropic, DeepSeek and others', pattern: /\bsk-[\w-]{12,}/g },
  { of: 'SendGrid', pattern: /\bSG\.[\w.=-]{12,}/g },
  { of: 'Resend', pattern: /\bre_[A-Za-z0-9]{6,}_?[A-Za-z0-9]{12,}/g },
  { of: 'Mailgun', pattern: /\b(?:pub)?key-[0-9a-f]{32}/gi },
  { of: 'Mailgun, newer', pattern: /\b[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}\b/g },
  { of: 'Mailchimp', pattern: /\b[0-9a-f]{32}-us\d{1,2}\b/g },
  { of: 'Brevo', pattern: /\bx(?:keysib|smtpsib)-[\w-]{12,}/g },
  { of: 'Twilio', pattern: /\bSK[0-9a-f]{32}\b|(?<=\bAC[0-9a-f]{32}:)[0-9a-f]{32}\b/g },
  { of: 'GitHub', pattern: /\bgh[a-z]_[A-Za-z0-9]{16,}/g },
  { of: 'GitHub, fine-grained', pattern: /\bgithub_pat_\w{16,}/g },
  { of: 'GitLab', pattern: /\bgl[a-z]{2,9}-[\w.-]{16,}/g },
  { of: 'npm', pattern: /\bnpm_[A-Za-z0-9]{16,}/g },
  { of: 'PyPI', pattern: /\bpypi-[\w-]{16,}/g },
  { of: 'AWS', pattern: /\b(?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b/g },
  { of: 'Alibaba Cloud', pattern: /\bLTAI[A-Za-z0-9]{12,}/g },
  { of: 'Tencent Cloud', pattern: /\bAKID[A-Za-z0-9]{13,}/g },
  { of: 'Google: API key', pattern: /\bAIza[\w-]{20,}/g },
  { of: 'Google: OAuth', pattern: /\bya29\.[\w-]{8,}|\b1\/\/0[\w-]{20,}|\bGOCSPX-[\w-]{12,}/g },
  { of: 'Azure AD', pattern: /(?<![\w.~-])[\w~.]{3}\dQ~[\w~.-]{31,}/g },
  { of: 'Meta', pattern: /\bEAA[A-Za-z0-9]{20,}/g },
  { of: 'Stripe', pattern: /\b[srp]k_(?:live|test|prod)_[A-Za-z0-9]{8,}/g },
  { of: 'Standard Webhooks, Svix, Stripe: signing secret', pattern: /\bwhs(?:ec|k|pk)_[\w+/=-]{8,}/g },
  { of: 'Square', pattern: /\bsq0[a-z]{3}-[\w-]{16,}|\bEAAA[\w-]{50,}/g },
  { of: 'Shopify', pattern: /\bshp[a-z]{2}_[0-9a-f]{16,}/gi },
  { of: 'DigitalOcean', pattern: /\bdo[a-z]_v1_[0-9a-f]{32,}/g },
  { of: 'HashiCorp Vault', pattern: /\bhv[sbr]\.[\w-]{16,}/g },
  { of: 'Hugging Face', pattern: /\b(?:hf|api_org)_[A-Za-z0-9]{20,}/g },
  { of: 'Groq, xAI, Perplexity, Replicate', pattern: /\b(?:gsk_|xai-|pplx-|r8_)[A-Za-z0-9]{16,}/g },
  { of: 'Matrix, Synapse', pattern: /\bsy[tr]_[\w=/+-]{0,80}[A-Za-z]{20}_\w{6}\b/g },
  { of: 'Notion', pattern: /\b(?:ntn|secret)_[A-Za-z0-9]{20,}/g },
  { of: 'Linear', pattern: /\blin_[a-z]{2,5}_[A-Za-z0-9]{16,}/g },
  { of: 'Grafana', pattern: /\bgl(?:c|sa)_[\w+/=]{16,}/g },
  { of: 'Sentry', pattern: /\bsntry[a-z]_[\w+/=-]{16,}/g },
  { of: 'Databricks', pattern: /\bdapi[0-9a-f]{16,}/g },
  { of: 'Dynatrace', pattern: /\bdt0[a-z]\d{2}\.[A-Z0-9]{8,}\.[A-Z0-9]{16,}/gi },
  { of: 'New Relic', pattern: /\bNR(?:AK|JS|II|AL)-[\w-]{16,}/gi },
  { of: 'Postman', pattern: /\bPMAK-[0-9a-f-]{20,}/gi },
  { of: 'Doppler', pattern: /\bdp\.[a-z]{2,5}\.[\w.-]{16,}/g },
  { of: 'Supabase', pattern: /\bsb(?:p|_secret|_publishable)_[\w-]{16,}/g },
  { of: 'Atlassian', pattern: /\bAT[A-Z]{3}3[\w=-]{20,}/g },
  { of: 'Airtable', pattern: /\bpat[A-Za-z0-9]{14}\.[0-9a-f]{32,}/g },
  { of: 'Docker', pattern: /\bdckr_[a-z]{3}_[\w-]{16,}/g },
  { of: 'age', pattern: /\bAGE-SECRET-KEY-1[A-Z0-9]{20,}/g },
  { of: '1Password', pattern: /\bops_ey[\w+/=-]{20,}/g },
]
