import { randomBytes, randomInt } from 'node:crypto'
import { LRUCache } from 'lru-cache'

/** A device that waits for somebody to enter its code (RFC 8628). */
export interface DeviceAuthorization {
  readonly deviceCode: string
  readonly userCode: string
  readonly clientId: string
  readonly scope: string
  /** Epoch seconds. */
  readonly expiresAt: number
  /** What came of it, once somebody has answered. */
  answer: { readonly userId: string; readonly sessionId: string } | 'declined' | undefined
  redeemed: boolean
}

export type DeviceCodes = ReturnType<typeof createDeviceCodes>

// As Entra's own answers say.
export const DEVICE_CODE_LIFETIME_SECONDS = 900
const MAX_CODES = 10_000
const USER_CODE_LENGTH = 9
/** Without vowels and what is easily misread. */
const USER_CODE_LETTERS = 'BCDFGHJKLMNPQRSTVWXZ23456789'

/** Device codes in memory; a redeemed one is kept, so that it is told from one that never was. */
export function createDeviceCodes(now: () => number) {
  // Counted as sizes: with `max`, lru-cache allocates room for all of them at once.
  const byDeviceCode = new LRUCache<string, DeviceAuthorization>({ maxSize: MAX_CODES, sizeCalculation: () => 1 })
  const byUserCode = new LRUCache<string, DeviceAuthorization>({ maxSize: MAX_CODES, sizeCalculation: () => 1 })

  return {
    issue(clientId: string, scope: string): DeviceAuthorization {
      const authorization: DeviceAuthorization = {
        deviceCode: randomBytes(120).toString('base64url'),
        userCode: Array.from({ length: USER_CODE_LENGTH }, anyLetter).join(''),
        clientId,
        scope,
        expiresAt: now() + DEVICE_CODE_LIFETIME_SECONDS,
        answer: undefined,
        redeemed: false,
      }
      byDeviceCode.set(authorization.deviceCode, authorization)
      byUserCode.set(authorization.userCode, authorization)
      return authorization
    },

    find: (deviceCode: string): DeviceAuthorization | undefined => byDeviceCode.get(deviceCode),

    /** The one a person may still answer. */
    findWaiting(userCode: string): DeviceAuthorization | undefined {
      const found = byUserCode.get(userCode.trim().toUpperCase())
      return found?.answer === undefined && Number(found?.expiresAt) > now() ? found : undefined
    },
  }
}

function anyLetter(): string {
  return USER_CODE_LETTERS[randomInt(USER_CODE_LETTERS.length)] ?? ''
}
