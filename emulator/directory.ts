import { guidFrom } from './guid.ts'

/** How Conditional Access meets a user's On-Behalf-Of exchange; both forms of a challenge are seen from Entra. */
export type ConditionalAccess = 'none' | 'interaction_required' | 'invalid_grant' | 'blocked'

/** What a test or a person at the controls may change about a user. */
export interface UserFlags {
  /** The account may not sign in (AADSTS50057). */
  disabled: boolean
  /** The API requires assignment and this user has none (AADSTS50105). */
  unassigned: boolean
  /** The API's consent to call Graph does not hold for this user (AADSTS65001). */
  graphConsentRefused: boolean
  conditionalAccess: ConditionalAccess
}

export interface User extends UserFlags {
  /** The object id: `oid` in every token. */
  readonly id: string
  readonly displayName: string
  readonly userPrincipalName: string
  /** Directory roles by display name; Graph decides by them. */
  roles: string[]
  /** Tokens issued before this moment (epoch seconds) are revoked; Graph's `signInSessionsValidFromDateTime`. */
  sessionsValidFrom: number
  /** Shown on the sign-in page: what choosing this user leads to. */
  readonly about: string
}

export type Directory = ReturnType<typeof createDirectory>

const DOMAIN = 'contoso.example'
const LOAD_USER = /^load-\d{1,9}$/

/**
 * The tenant's people: ten written ones, and `load-00042`-style ones who exist as soon as they are named,
 * always with the same object id.
 */
export function createDirectory() {
  const people = writtenUsers()
  const byKey = new Map<string, User>()
  const add = (user: User): User => {
    for (const key of [user.id, user.userPrincipalName, user.userPrincipalName.split('@')[0] ?? '']) {
      byKey.set(key.toLowerCase(), user)
    }
    return user
  }
  for (const person of people) add(person)

  return {
    /** The written users, in the order the sign-in page shows them. */
    people: people as readonly User[],

    /** A user by object id, user principal name or the part before its `@`; case does not count. */
    find(reference: string): User | undefined {
      const key = reference.toLowerCase()
      const alias = key.endsWith(`@${DOMAIN}`) ? key.slice(0, -DOMAIN.length - 1) : key
      return byKey.get(key) ?? (LOAD_USER.test(alias) ? add(loadUser(alias)) : undefined)
    },
  }
}

function loadUser(alias: string): User {
  return user(guidFrom(`user:${alias}`), alias, alias, ['Message Center Reader'], 'A user made for load')
}

function user(
  id: string,
  displayName: string,
  alias: string,
  roles: string[],
  about: string,
  flags: Partial<UserFlags> = {},
): User {
  return {
    id,
    displayName,
    userPrincipalName: `${alias}@${DOMAIN}`,
    roles,
    about,
    sessionsValidFrom: 0,
    disabled: false,
    unassigned: false,
    graphConsentRefused: false,
    conditionalAccess: 'none',
    ...flags,
  }
}

function writtenUsers(): User[] {
  const reader = ['Message Center Reader']
  return [
    user('6f0a2f3e-5c1b-4d7e-9a41-3b8c2e7d1001', 'Rowan Reade', 'rowan', reader, 'Message Center Reader'),
    user(
      '6f0a2f3e-5c1b-4d7e-9a41-3b8c2e7d1002',
      'Gale Adair',
      'gale',
      ['Global Administrator'],
      'Global Administrator',
    ),
    user(
      '6f0a2f3e-5c1b-4d7e-9a41-3b8c2e7d1003',
      'Priya Varga',
      'priya',
      ['Message Center Privacy Reader'],
      'Message Center Privacy Reader',
    ),
    user('6f0a2f3e-5c1b-4d7e-9a41-3b8c2e7d1004', 'Nico Plain', 'nico', [], 'No admin role: Graph answers 403'),
    user('6f0a2f3e-5c1b-4d7e-9a41-3b8c2e7d1005', 'Mika Fell', 'mika', reader, 'Must use MFA (AADSTS50079)', {
      conditionalAccess: 'interaction_required',
    }),
    user('6f0a2f3e-5c1b-4d7e-9a41-3b8c2e7d1006', 'Signe Foss', 'signe', reader, 'Must use MFA (AADSTS50076)', {
      conditionalAccess: 'invalid_grant',
    }),
    user('6f0a2f3e-5c1b-4d7e-9a41-3b8c2e7d1007', 'Blake Storr', 'blake', reader, 'Blocked by policy (AADSTS53003)', {
      conditionalAccess: 'blocked',
    }),
    user('6f0a2f3e-5c1b-4d7e-9a41-3b8c2e7d1008', 'Dana Stille', 'dana', reader, 'Disabled account (AADSTS50057)', {
      disabled: true,
    }),
    user('6f0a2f3e-5c1b-4d7e-9a41-3b8c2e7d1009', 'Una Lister', 'una', reader, 'Not assigned (AADSTS50105)', {
      unassigned: true,
    }),
    user('6f0a2f3e-5c1b-4d7e-9a41-3b8c2e7d1010', 'Cato Wray', 'cato', reader, 'No consent to Graph (AADSTS65001)', {
      graphConsentRefused: true,
    }),
  ]
}
