import { randomBytes, randomInt } from 'node:crypto'
import { LRUCache } from 'lru-cache'

/** A device authorization (RFC 8628). */
export interface DeviceAuthorization {
  readonly deviceCode: string
  readonly userCode: string
  readonly clientId: string
  readonly scope: string
  /** Epoch seconds. */
  readonly expiresAt: number
  /** The user's decision; undefined while pending. */
  decision: { readonly userId: string; readonly sessionId: string } | 'declined' | undefined
  redeemed: boolean
}

export type DeviceCodes = ReturnType<typeof createDeviceCodes>

// As in Entra's responses.
export const DEVICE_CODE_LIFETIME_SECONDS = 900
const MAX_CODES = 10_000
const USER_CODE_LENGTH = 9
/** Without vowels and ambiguous characters. */
const USER_CODE_LETTERS = 'BCDFGHJKLMNPQRSTVWXZ23456789'

/** Device codes in memory; a redeemed one stays, to distinguish it from an unknown one. */
export function createDeviceCodes(now: () => number) {
  // Counted as sizes: with `max`, lru-cache allocates room for all of them at once.
  const byDeviceCode = new LRUCache<string, DeviceAuthorization>({ maxSize: MAX_CODES, sizeCalculation: () => 1 })
  const byUserCode = new LRUCache<string, DeviceAuthorization>({ maxSize: MAX_CODES, sizeCalculation: () => 1 })

  return {
    issue(clientId: string, scope: string): DeviceAuthorization {
      const authorization: DeviceAuthorization = {
        deviceCode: randomBytes(120).toString('base64url'),
        userCode: Array.from({ length: USER_CODE_LENGTH }, randomLetter).join(''),
        clientId,
        scope,
        expiresAt: now() + DEVICE_CODE_LIFETIME_SECONDS,
        decision: undefined,
        redeemed: false,
      }
      byDeviceCode.set(authorization.deviceCode, authorization)
      byUserCode.set(authorization.userCode, authorization)
      return authorization
    },

    find: (deviceCode: string): DeviceAuthorization | undefined => byDeviceCode.get(deviceCode),

    /** The authorization of a user code, if it is pending. */
    findPending(userCode: string): DeviceAuthorization | undefined {
      const found = byUserCode.get(userCode.trim().toUpperCase())
      return found?.decision === undefined && Number(found?.expiresAt) > now() ? found : undefined
    },
  }
}

function randomLetter(): string {
  return USER_CODE_LETTERS[randomInt(USER_CODE_LETTERS.length)] ?? ''
}
