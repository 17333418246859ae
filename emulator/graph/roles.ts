/**
 * The roles whose description or actions (`microsoft.office365.messageCenter/messages/read`) let them read posts.
 * @see https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference
 */
const readers: ReadonlySet<string> = new Set([
  'AI Administrator',
  'Global Administrator',
  'Global Reader',
  'Message Center Privacy Reader',
  'Message Center Reader',
  'Office Apps Administrator',
  'Service Support Administrator',
])

/** "Only the Global Administrator and the Message Center Privacy Reader can read data privacy messages." (same page) */
const privacyReaders: ReadonlySet<string> = new Set(['Global Administrator', 'Message Center Privacy Reader'])

/** How much of the Message Center somebody sees: nothing, all but data privacy posts, or all. */
export type Access = 'none' | 'public' | 'private'

/** @param roles display names of the directory roles a user holds */
export function accessOf(roles: readonly string[]): Access {
  if (roles.some((role) => privacyReaders.has(role))) return 'private'
  return roles.some((role) => readers.has(role)) ? 'public' : 'none'
}

export function isDataPrivacy(message: { tags: readonly string[] }): boolean {
  return message.tags.includes('Data privacy')
}
