import { each, type Platform } from './platform.js'

/** Chats, messengers and telephones. */
export const CHATS: readonly Platform[] = [
  {
    name: 'Meta',
    source:
      'https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes, ' +
      'https://developers.facebook.com/docs/graph-api/overview/rate-limiting',
    marks: [{ has: ['fbtrace_id'] }],
    code: ['code'],
    means: {
      // The token, the account, its payment.
      ...each('halt', [0, 3, 102, 190, 368, 131005, 131031, 131042, 131037, 131045, 133005, 133006, 133010]),
      // Limits of the app, a user's token, a page, a business account, a number.
      ...each(
        'limit-group',
        [4, 17, 32, 80001, 80002, 80003, 80004, 80005, 80006, 80007, 80008, 80009, 80014],
      ),
      ...each('limit-group', [130429, 131048, 133016]),
      // Limits of one pair of numbers, of one call.
      ...each('limit', [341, 613, 131056]),
      ...each('retry', [131057, 133004]),
      ...each(
        'permanent',
        [10, 100, 551, 130472, 130497, 131021, 131026, 131047, 131049, 131051, 132000, 132001],
      ),
    },
    otherwise: 'permanent',
  },
  {
    name: 'Discord',
    source: 'https://docs.discord.com/developers/topics/opcodes-and-status-codes#json',
    marks: [{ has: ['code', 'message'] }],
    code: ['code'],
    means: {
      // The token of an interaction or of a webhook, which is the message's own.
      50027: 'permanent',
      // "API resource is currently overloaded."
      130000: 'not-sent',
    },
  },
  {
    name: 'Discord',
    source: 'the same, as discord.js and Eris have it',
    marks: [{ named: 'DiscordAPIError' }, { named: 'DiscordRESTError' }],
    code: ['code'],
    means: { 50027: 'permanent', 40001: 'halt', 130000: 'not-sent' },
    otherwise: 'permanent',
  },
  {
    name: 'Baileys',
    source:
      'https://github.com/WhiskeySockets/Baileys, DisconnectReason: of the connection, not of a request',
    marks: [{ is: { isBoom: true } }],
    // What the server answered, if it did.
    code: ['data', 'output.statusCode'],
    means: {
      429: 'limit',
      ...each('permanent', [400, 403, 404, 405, 406, 409]),
      // Closed or restarted, possibly with a request under way.
      ...each('unanswered', [428, 515]),
      // Another has taken the session over.
      440: 'halt',
    },
  },
  {
    name: 'Matrix',
    source: 'https://spec.matrix.org/latest/client-server-api/#standard-error-response',
    marks: [{ has: ['errcode', 'error'] }, { has: ['errcode', 'data'] }],
    code: ['errcode'],
    means: {
      ...each('halt', ['M_UNKNOWN_TOKEN', 'M_MISSING_TOKEN', 'M_USER_DEACTIVATED', 'M_USER_SUSPENDED']),
      ...each('halt', ['M_USER_LOCKED', 'M_CONSENT_NOT_GIVEN', 'M_RESOURCE_LIMIT_EXCEEDED']),
      M_LIMIT_EXCEEDED: 'limit',
      ...each('permanent', ['M_FORBIDDEN', 'M_TOO_LARGE', 'M_NOT_FOUND', 'M_BAD_JSON', 'M_INVALID_PARAM']),
    },
  },
  {
    name: 'Zulip',
    source: 'https://zulip.com/api/rest-error-handling',
    marks: [{ is: { result: 'error' } }],
    code: ['code'],
    means: {
      ...each('halt', ['UNAUTHORIZED', 'INVALID_API_KEY', 'USER_DEACTIVATED', 'REALM_DEACTIVATED']),
      RATE_LIMIT_HIT: 'limit',
    },
    otherwise: 'permanent',
  },
  {
    name: 'Rocket.Chat',
    source: 'https://developer.rocket.chat/apidocs/rate-limiter',
    marks: [{ has: ['errorType'] }],
    code: ['errorType'],
    means: { 'error-too-many-requests': 'limit' },
  },
  {
    name: 'Viber',
    source: 'https://developers.viber.com/docs/api/rest-bot-api/#error-codes',
    marks: [{ has: ['status', 'status_message'] }],
    code: ['status'],
    means: {
      // Its token, its account, its webhook, its payment.
      ...each('halt', [2, 7, 8, 9, 10, 24]),
      12: 'limit',
    },
    otherwise: 'permanent',
  },
  {
    name: 'VK',
    source: 'https://dev.vk.com/reference/errors',
    marks: [{ has: ['error_code', 'error_msg'] }],
    code: ['error_code'],
    means: {
      ...each('halt', [5, 14, 17, 27, 28]),
      ...each('limit', [6, 9, 29]),
      ...each('doubt', [1, 10]),
    },
    otherwise: 'permanent',
  },
  {
    name: 'Feishu',
    source: 'https://open.feishu.cn/document/server-docs/api-call-guide/generic-error-code',
    marks: [{ has: ['code', 'msg'] }, { has: ['StatusCode', 'StatusMessage'] }],
    code: ['code', 'StatusCode'],
    means: {
      // The token of the tenant or of the app, or its permissions; a webhook's token, signature, addresses.
      ...each('halt', [10003, 10014, 99991661, 99991663, 99991664, 99991665, 99991668, 99991671, 99991672]),
      ...each('halt', [19001, 19021, 19022, 230006]),
      // 9499 says “Bad Request” as well as “too many request”: see `saysTooMany`.
      ...each('limit', [11232, 11233, 99991400, 230020]),
      ...each('permanent', [19024, 230001, 230002]),
    },
    otherwise: 'permanent',
  },
  {
    name: 'Zalo',
    source: 'https://developers.zalo.me/docs/official-account/phu-luc/ma-loi',
    marks: [{ has: ['error', 'message'] }],
    code: ['error'],
    means: { [-216]: 'halt' },
  },
  {
    name: 'Kakao',
    source: 'https://developers.kakao.com/docs/latest/en/rest-api/reference#error-code',
    marks: [{ has: ['code', 'msg'] }],
    code: ['code'],
    means: { [-401]: 'halt', [-903]: 'halt', [-10]: 'limit', [-1]: 'doubt', [-9798]: 'not-sent' },
  },
  {
    name: 'DingTalk or WeCom',
    source:
      'https://open.dingtalk.com/document/orgapp/server-api-error-codes-1, ' +
      'https://developer.work.weixin.qq.com/document/path/90313',
    marks: [{ has: ['errcode', 'errmsg'] }],
    code: ['errcode'],
    means: {
      ...each('halt', [40001, 40013, 40014, 41001, 42001, 48001, 60020, 93000, 300001]),
      // A webhook that is unknown, or switched off.
      ...each('halt', [400101, 400102]),
      ...each('limit', [130101, 410100, 45009, 45011, 45033, 45047, 90018, 90030]),
      // "System busy."
      [-1]: 'retry',
    },
    otherwise: 'permanent',
  },
  {
    name: 'Twilio',
    source: 'https://www.twilio.com/docs/api/errors',
    marks: [{ has: ['code', 'more_info'] }, { has: ['code', 'moreInfo'] }],
    code: ['code'],
    means: {
      // The credentials, the account.
      ...each('halt', [10001, 20003, 20005, 20006, 20008, 30002]),
      ...each('limit', [14107, 20429, 21611, 30001, 63018]),
      63038: 'limit-group',
    },
  },
  {
    name: 'Vonage',
    source: 'https://developer.vonage.com/en/messaging/sms/guides/troubleshooting-sms',
    marks: [{ has: ['status', 'error-text'] }, { has: ['status', 'errorText'] }],
    code: ['status'],
    means: {
      ...each('halt', [4, 8, 9, 11, 14]),
      ...each('limit', [1, 10]),
      5: 'doubt',
    },
    otherwise: 'permanent',
  },
  {
    name: 'AT Protocol',
    source: 'https://atproto.com/specs/xrpc#error-responses, its clients’ XRPCError',
    marks: [{ has: ['success', 'status', 'error', 'headers'] }, { header: 'atproto-repo-rev' }],
    code: ['error'],
    means: {
      ...each('halt', ['ExpiredToken', 'InvalidToken', 'AuthMissing', 'AuthenticationRequired']),
      ...each('halt', ['AccountTakedown', 'AccountDeactivated', 'AccountSuspended']),
      RateLimitExceeded: 'limit',
    },
  },
  {
    name: 'X',
    source: 'https://docs.x.com/x-api/fundamentals/response-codes-and-errors',
    marks: [{ header: 'x-transaction-id' }],
    code: ['code'],
    means: {
      // The token, the application, an account that is suspended or locked.
      ...each('halt', [32, 64, 89, 261, 326, 416]),
      // So many an hour, so many a day.
      ...each('limit', [88, 185]),
      187: 'permanent',
    },
  },
  {
    name: 'Alibaba Cloud',
    source: 'https://help.aliyun.com/zh/sms/developer-reference/api-error-codes',
    marks: [{ has: ['Code', 'RequestId'] }],
    code: ['Code'],
    means: {
      ...each('halt', [
        'isv.AMOUNT_NOT_ENOUGH',
        'isv.ACCOUNT_ABNORMAL',
        'isv.OUT_OF_SERVICE',
        'SignatureDoesNotMatch',
      ]),
      ...each('limit', ['isv.BUSINESS_LIMIT_CONTROL', 'Throttling', 'Throttling.User', 'Throttling.Api']),
      ...each('permanent', [
        'isv.MOBILE_NUMBER_ILLEGAL',
        'isv.SMS_TEMPLATE_ILLEGAL',
        'isv.SMS_SIGNATURE_ILLEGAL',
      ]),
    },
  },
  {
    name: 'XMPP',
    source: 'RFC 6120, 8.3; @xmpp/client, StanzaError',
    marks: [{ named: 'StanzaError' }],
    code: ['condition'],
    means: {
      ...each('halt', ['not-authorized', 'registration-required', 'subscription-required']),
      'resource-constraint': 'limit',
      'recipient-unavailable': 'retry',
      'remote-server-timeout': 'unanswered',
      ...each('doubt', ['internal-server-error', 'undefined-condition']),
    },
    otherwise: 'permanent',
  },
]
