import { Random, seedOf } from './random.js'

/** A message to one chat. */
export interface ChatMessage {
  readonly channel: string
  readonly text: string
}

/** Its id, the same in every life of the sender: the queue recognises a message that is on disk by it. */
export function messageId(index: number): string {
  return `demo-${index}`
}

/** The index in an id made by `messageId`; undefined for any other id. */
export function indexOfId(id: string): number | undefined {
  const digits = /^demo-(0|[1-9]\d{0,14})$/.exec(id)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

const sentences: readonly string[] = [
  'Your build finished: all {n} checks passed ✅',
  'Reminder: stand-up in {n} minutes.',
  'I looked into it. The short answer: the cache was cold, {n} % of the requests missed it.',
  'Deploy #{n} is live 🚀🚀🚀',
  'Order {n} has shipped and should reach you on Thursday.',
  '배포가 끝났습니다. 테스트 {n}개가 모두 통과했어요 🎉',
  '안녕하세요! 주문 {n}번이 발송되었습니다. 내일 도착할 예정이에요.',
  '네, 확인했습니다. 오류 로그 {n}건을 정리해서 곧 보내 드릴게요.',
  '회의가 {n}분 뒤에 시작합니다 ⏰',
  'ビルド {n} が完了しました。お疲れさまでした!',
  'ご注文番号 {n} の商品を発送しました📦',
  '构建完成,共运行 {n} 个测试,全部通过。',
  '您的验证码是 {n},五分钟内有效。',
  'Ihre Bestellung {n} ist unterwegs. Schöne Grüße aus Köln!',
  'Le déploiement n° {n} est terminé. À bientôt !',
  '¿Confirmamos la reunión número {n} para mañana? ¡Gracias!',
  'Заказ № {n} отправлен, ожидайте доставку завтра.',
  'اكتمل الطلب رقم {n}، شكرًا لك!',
  'हाँ, अनुरोध {n} पूरा हो गया है 🙏',
  'สวัสดีค่ะ งานหมายเลข {n} เสร็จแล้ว',
  '👩‍👩‍👧‍👦 👍🏽 🇰🇷 {n} people reacted to your photo',
  '```\nerror: expected {n}, got null\n\tat line 7\n```',
  'ok',
  '{n}',
]

const platforms: readonly string[] = ['telegram:demo', 'slack:acme', 'discord:guild']
const MESSAGES_PER_CHANNEL = 12
/** One message in this many is long, like an assistant's answers. */
const LONG_EVERY = 25
const LONG_CHARACTERS = 4000

/**
 * Makes `count` messages to a few busy and many quiet chats, in several languages, short and long. The same
 * seed makes the same ones.
 */
export function makeMessages(count: number, seed: number): ChatMessage[] {
  const random = new Random(seedOf('messages', seed))
  const channels = Math.max(1, Math.round(count / MESSAGES_PER_CHANNEL))
  return Array.from({ length: count }, (_, index) => {
    // Squared: low numbers come far more often, as in real traffic.
    const chat = Math.floor(random.next() ** 2 * channels)
    const channel = `${platforms[chat % platforms.length]}:${1001 + chat}`
    let text = sentence(random, index)
    if (random.integer(1, LONG_EVERY) === 1) {
      const characters = random.integer(500, LONG_CHARACTERS)
      while (text.length < characters) text += `\n${sentence(random, index)}`
    }
    return { channel, text }
  })
}

function sentence(random: Random, index: number): string {
  return random.pick(sentences).replace('{n}', String(index))
}
