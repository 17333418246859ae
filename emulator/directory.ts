/** How Conditional Access handles a user's On-Behalf-Of exchange; Entra sends both forms of the challenge. */
export type ConditionalAccess = 'none' | 'interaction_required' | 'invalid_grant' | 'blocked'

/** Settings of a user that can be changed at run time. */
export interface UserFlags {
  /** The account may not sign in (AADSTS50057). */
  disabled: boolean
  /** The API requires assignment and this user has none (AADSTS50105). */
  unassigned: boolean
  /** The API has no consent to call Graph for this user (AADSTS65001). */
  graphConsentMissing: boolean
  conditionalAccess: ConditionalAccess
}

export interface User extends UserFlags {
  /** The object id: `oid` in every token. */
  readonly id: string
  readonly displayName: string
  readonly userPrincipalName: string
  /** Directory roles by display name; Graph authorizes by them. */
  roles: string[]
  /** Tokens issued before this moment (epoch seconds) are revoked; Graph's `signInSessionsValidFromDateTime`. */
  sessionsValidFrom: number
  /** Shown on the sign-in page. */
  readonly about: string
}

export type Directory = ReturnType<typeof createDirectory>

const DOMAIN = 'contoso.example'
const LOAD_USER = /^load-(\d{1,9})$/
/** Ends with the number of digits, and with the digits. */
const LOAD_USER_ID = /^10ad10ad-0000-4000-8000-([1-9])00(\d{9})$/

/**
 * The users of the tenant: twelve predefined ones, and load users such as `load-00042`, created on first use. Their
 * object id encodes the name, so that another emulator process finds the same user.
 */
export function createDirectory() {
  const people = PEOPLE.map(makeUser)
  const byKey = new Map<string, User>()
  const add = (user: User): User => {
    for (const key of [user.id, user.userPrincipalName, user.userPrincipalName.split('@')[0] ?? '']) {
      byKey.set(key.toLowerCase(), user)
    }
    return user
  }
  for (const person of people) add(person)

  return {
    /** The predefined users, in the order of the sign-in page. */
    people: people as readonly User[],

    /** Finds a user by object id, user principal name or the part before its `@`, ignoring case. */
    find(reference: string): User | undefined {
      const key = reference.toLowerCase()
      const alias = key.endsWith(`@${DOMAIN}`) ? key.slice(0, -DOMAIN.length - 1) : key
      const digits = LOAD_USER.exec(alias)?.[1] ?? digitsOf(key)
      return byKey.get(key) ?? (digits === undefined ? undefined : add(loadUser(digits)))
    },
  }
}

type Person = Pick<User, 'id' | 'displayName' | 'roles' | 'about'> & Partial<UserFlags> & { alias: string }

const READER = 'Message Center Reader'

const PEOPLE: readonly Person[] = [
  {
    id: '6f0a2f3e-5c1b-4d7e-9a41-3b8c2e7d1001',
    displayName: 'Rowan Reade',
    alias: 'rowan',
    roles: [READER],
    about: READER,
  },
  {
    id: '6f0a2f3e-5c1b-4d7e-9a41-3b8c2e7d1002',
    displayName: 'Gale Adair',
    alias: 'gale',
    roles: ['Global Administrator'],
    about: 'Global Administrator',
  },
  {
    id: '6f0a2f3e-5c1b-4d7e-9a41-3b8c2e7d1003',
    displayName: 'Priya Varga',
    alias: 'priya',
    roles: ['Message Center Privacy Reader'],
    about: 'Message Center Privacy Reader',
  },
  {
    id: '6f0a2f3e-5c1b-4d7e-9a41-3b8c2e7d1004',
    displayName: 'Nico Plain',
    alias: 'nico',
    roles: [],
    about: 'No admin role: Graph returns 403',
  },
  {
    id: '6f0a2f3e-5c1b-4d7e-9a41-3b8c2e7d1005',
    displayName: 'Mika Fell',
    alias: 'mika',
    roles: [READER],
    about: 'Must use MFA (AADSTS50079)',
    conditionalAccess: 'interaction_required',
  },
  {
    id: '6f0a2f3e-5c1b-4d7e-9a41-3b8c2e7d1006',
    displayName: 'Signe Foss',
    alias: 'signe',
    roles: [READER],
    about: 'Must use MFA (AADSTS50076)',
    conditionalAccess: 'invalid_grant',
  },
  {
    id: '6f0a2f3e-5c1b-4d7e-9a41-3b8c2e7d1007',
    displayName: 'Blake Storr',
    alias: 'blake',
    roles: [READER],
    about: 'Blocked by policy (AADSTS53003)',
    conditionalAccess: 'blocked',
  },
  {
    id: '6f0a2f3e-5c1b-4d7e-9a41-3b8c2e7d1008',
    displayName: 'Dana Stille',
    alias: 'dana',
    roles: [READER],
    about: 'Disabled account (AADSTS50057)',
    disabled: true,
  },
  {
    id: '6f0a2f3e-5c1b-4d7e-9a41-3b8c2e7d1009',
    displayName: 'Una Lister',
    alias: 'una',
    roles: [READER],
    about: 'Not assigned (AADSTS50105)',
    unassigned: true,
  },
  {
    id: '6f0a2f3e-5c1b-4d7e-9a41-3b8c2e7d1010',
    displayName: 'Cato Wray',
    alias: 'cato',
    roles: [READER],
    about: 'No consent to Graph (AADSTS65001)',
    graphConsentMissing: true,
  },
  {
    id: '6f0a2f3e-5c1b-4d7e-9a41-3b8c2e7d1011',
    displayName: 'Hedy Answer',
    alias: 'hedy',
    roles: ['Helpdesk Administrator'],
    about: 'Helpdesk Administrator',
  },
  {
    id: '6f0a2f3e-5c1b-4d7e-9a41-3b8c2e7d1012',
    displayName: 'Conrad Ruhl',
    alias: 'conrad',
    roles: ['Compliance Administrator', 'Reports Reader'],
    about: 'Compliance Administrator: Graph returns 403',
  },
]

/** The digits of a load user's name, from the object id. */
function digitsOf(id: string): string | undefined {
  const [, length, padded = ''] = LOAD_USER_ID.exec(id) ?? []
  const digits = padded.slice(-Number(length))
  return digits !== '' && digits.padStart(9, '0') === padded ? digits : undefined
}

function loadUser(digits: string): User {
  const alias = `load-${digits}`
  return makeUser({
    id: `10ad10ad-0000-4000-8000-${digits.length}00${digits.padStart(9, '0')}`,
    displayName: alias,
    alias,
    roles: [READER],
    about: 'Load test user',
  })
}

function makeUser({ alias, ...person }: Person): User {
  return {
    disabled: false,
    unassigned: false,
    graphConsentMissing: false,
    conditionalAccess: 'none',
    ...person,
    // Copied, since each tenant may change them.
    roles: [...person.roles],
    userPrincipalName: `${alias}@${DOMAIN}`,
    sessionsValidFrom: 0,
  }
}
