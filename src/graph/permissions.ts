/**
 * A delegated permission of Microsoft Graph that tools need. Everything that depends on it follows from this: what an
 * exchange asks for, what the consent page says, what errors name, and what `register server` and `doctor` look for.
 * Source: Microsoft Graph permissions reference; Microsoft Entra, "Least privileged roles by task".
 */
export interface GraphPermission {
  /** Graph's own name for it, such as `ServiceMessage.Read.All`. */
  readonly scope: string
  /** Admin roles, the least privileged ones: the user needs one of them, or none where the list is empty. */
  readonly roles: readonly string[]
  /** What it is for, to follow "may": `read the Message Center`. */
  readonly purpose: string
  /** The line of the consent page: what an application may do with it, as a sentence without a full stop. */
  readonly consent: string
}

export const readMessages: GraphPermission = {
  scope: 'ServiceMessage.Read.All',
  roles: ['Message Center Reader'],
  purpose: 'read the Message Center',
  consent: 'Read the posts of your organization’s Microsoft 365 Message Center that your own account may read',
}

/** Graph's Application ID URI is its origin; on loopback it stands for the worldwide one. */
export function graphResource(baseUrl: string): string {
  return baseUrl.startsWith('http:') ? 'https://graph.microsoft.com' : new URL(baseUrl).origin
}
