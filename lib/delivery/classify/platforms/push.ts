import { each, type Platform } from './platform.js'

/**
 * Services that push to devices. The codes of firebase-admin are in `codes.ts`, those of Google's API in
 * `general.ts`.
 */
export const PUSH: readonly Platform[] = [
  {
    name: 'APNs',
    source:
      'https://developer.apple.com/documentation/usernotifications/handling-notification-responses-from-apns',
    // In the answer, and as the clients have it: node-apn, apns2.
    marks: [{ header: 'apns-id' }, { has: ['device', 'response'] }, { has: ['reason', 'notification'] }],
    code: ['reason', 'response.reason'],
    means: {
      ...each('halt', ['ExpiredProviderToken', 'InvalidProviderToken', 'MissingProviderToken']),
      ...each('halt', ['BadCertificate', 'BadCertificateEnvironment']),
      TooManyRequests: 'limit',
      TooManyProviderTokenUpdates: 'limit-group',
      // About the connection, not the request.
      ...each('not-sent', ['IdleTimeout', 'Shutdown']),
      ...each('doubt', ['InternalServerError', 'ServiceUnavailable']),
    },
    otherwise: 'permanent',
  },
  {
    name: 'Expo',
    source: 'https://docs.expo.dev/push-notifications/sending-notifications/#individual-errors',
    marks: [{ is: { status: 'error' } }],
    code: ['details.error'],
    means: {
      InvalidCredentials: 'halt',
      MessageRateExceeded: 'limit',
      ...each('doubt', ['ExpoError', 'ProviderError']),
      ...each('permanent', ['DeviceNotRegistered', 'MessageTooBig', 'MismatchSenderId', 'DeveloperError']),
    },
  },
]
