/** The Microsoft Graph permissions that tools need, and what follows from them. */

/**
 * A delegated permission of Microsoft Graph that tools need: exchanges request it, the consent page and errors name it,
 * `register server` and `doctor` check it.
 * Source: Microsoft Graph permissions reference; Microsoft Entra, "Least privileged roles by task".
 */
export interface GraphPermission {
  /** Graph's own name for it, such as `ServiceMessage.Read.All`. */
  readonly scope: string
  /** The least privileged admin roles: the user needs one of them; none where empty. */
  readonly roles: readonly string[]
  /** To follow "may": `read the Message Center`. */
  readonly purpose: string
  /** The line of the consent page: a sentence without a full stop. */
  readonly consent: string
}

/**
 * Whether a permission allows more than reading, by its name: `{resource}.{operation}.{constraint}` (Microsoft Graph,
 * "Permissions naming pattern").
 */
export function isWrite({ scope }: GraphPermission): boolean {
  return !/\.Read(Basic)?(\.|$)/.test(scope)
}

export const readMessages: GraphPermission = {
  scope: 'ServiceMessage.Read.All',
  roles: ['Message Center Reader'],
  purpose: 'read the Message Center',
  consent: 'Read the posts of your organization’s Microsoft 365 Message Center that your own account may read',
}

/** For the user's own marks on messages that they can read, which takes no more than the role to read them. */
export const writeViewpoints: GraphPermission = {
  scope: 'ServiceMessageViewpoint.Write',
  roles: ['Message Center Reader'],
  purpose: 'mark messages as read, archived or favorite',
  consent: 'Mark posts as read, archived or favorite for your own account, where you ask for it',
}

export const readServiceHealth: GraphPermission = {
  scope: 'ServiceHealth.Read.All',
  roles: ['Service Support Administrator'],
  purpose: 'read service health',
  consent: 'Read the health of your organization’s Microsoft 365 services, where your own account may read it',
}

/** Graph's Application ID URI is its origin; on loopback it stands for the worldwide one. */
export function graphResource(baseUrl: string): string {
  return baseUrl.startsWith('http:') ? 'https://graph.microsoft.com' : new URL(baseUrl).origin
}

export interface HasPermissions {
  readonly permissions: readonly GraphPermission[]
}

/** Each permission once, in the order of the tools. */
export function permissionsOf(tools: readonly HasPermissions[]): readonly GraphPermission[] {
  return [...new Map(tools.flatMap(({ permissions }) => permissions).map((one) => [one.scope, one])).values()]
}

/** Each permission's name. */
export function scopesOf(tools: readonly HasPermissions[]): readonly string[] {
  return permissionsOf(tools).map(({ scope }) => scope)
}

/**
 * The scopes that an exchange requests: those of what is called, so that a missing consent to another changes nothing.
 *
 * @param resource Graph's, of `graphResource`
 */
export function exchangeScopes({ permissions }: HasPermissions, resource: string): readonly string[] {
  return permissions.map(({ scope }) => `${resource}/${scope}`)
}

/** `read the Message Center and read service health`. */
export function purposesOf(tools: readonly HasPermissions[]): string {
  return inWords(
    permissionsOf(tools).map(({ purpose }) => purpose),
    'and',
  )
}

/** `a, b and c`. */
export function inWords(names: readonly string[], last: 'and' | 'or'): string {
  return new Intl.ListFormat('en', { type: last === 'and' ? 'conjunction' : 'disjunction' }).format(names)
}
