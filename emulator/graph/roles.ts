/**
 * Directory roles without access to the Message Center; "Most admin roles" have it.
 * @see https://learn.microsoft.com/microsoft-365/admin/manage/message-center#admin-roles-that-dont-have-access-to-the-message-center
 */
const withoutAccess: ReadonlySet<string> = new Set(
  [
    'Compliance Administrator',
    'Conditional Access Administrator',
    'Customer Lockbox Access Approver',
    // "Device administrators" on the page; the directory has had both names.
    'Device Administrators',
    'Microsoft Entra Joined Device Local Administrator',
    'Directory Readers',
    'Directory Synchronization Accounts',
    'Directory Writers',
    // "Intune service administrator" on the page.
    'Intune Administrator',
    'Intune Service Administrator',
    'Privileged Role Administrator',
    'Reports Reader',
    // Not administrators: the defaults for members and guests.
    'User',
    'Guest User',
    'Restricted Guest User',
    'Guest Inviter',
  ].map((role) => role.toLowerCase()),
)

/** "Only the Global Administrator and the Message Center Privacy Reader can read data privacy messages." */
const privacyReaders: ReadonlySet<string> = new Set(['global administrator', 'message center privacy reader'])

/** Access to the Message Center: none, without the content of data privacy posts, or full. */
export type Access = 'none' | 'public' | 'private'

/**
 * One role with access suffices.
 * @param roles display names of the directory roles a user holds, in any case
 * @see https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference
 */
export function accessOf(roles: readonly string[]): Access {
  const held = roles.map((role) => role.toLowerCase()).filter((role) => role !== '')
  if (held.some((role) => privacyReaders.has(role))) return 'private'
  return held.some((role) => !withoutAccess.has(role)) ? 'public' : 'none'
}

/** Graph's tag is "GDPR"; the admin center shows "Data privacy". */
export function isDataPrivacy(message: { tags: readonly string[] }): boolean {
  return message.tags.includes('GDPR')
}
