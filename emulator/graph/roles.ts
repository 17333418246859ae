/**
 * Of the directory's roles, those that do not open the Message Center: "Most admin roles" do.
 * @see https://learn.microsoft.com/microsoft-365/admin/manage/message-center#admin-roles-that-dont-have-access-to-the-message-center
 */
const barred: ReadonlySet<string> = new Set(
  [
    'Compliance Administrator',
    'Conditional Access Administrator',
    'Customer Lockbox Access Approver',
    // The page calls them Device administrators; the directory has had both names.
    'Device Administrators',
    'Microsoft Entra Joined Device Local Administrator',
    'Directory Readers',
    'Directory Synchronization Accounts',
    'Directory Writers',
    // The page calls it Intune service administrator.
    'Intune Administrator',
    'Intune Service Administrator',
    'Privileged Role Administrator',
    'Reports Reader',
    // No administrators: the directory's defaults for members and guests.
    'User',
    'Guest User',
    'Restricted Guest User',
    'Guest Inviter',
  ].map((role) => role.toLowerCase()),
)

/** "Only the Global Administrator and the Message Center Privacy Reader can read data privacy messages." */
const privacyReaders: ReadonlySet<string> = new Set(['global administrator', 'message center privacy reader'])

/** How much of the Message Center somebody sees: nothing, all but the content of data privacy posts, or all. */
export type Access = 'none' | 'public' | 'private'

/**
 * One role that opens it is enough, whatever others a user holds.
 * @param roles display names of the directory roles a user holds, in any case
 * @see https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference
 */
export function accessOf(roles: readonly string[]): Access {
  const held = roles.map((role) => role.toLowerCase()).filter((role) => role !== '')
  if (held.some((role) => privacyReaders.has(role))) return 'private'
  return held.some((role) => !barred.has(role)) ? 'public' : 'none'
}

/** Graph tags them so; "Data privacy" is what the admin center calls them. */
export function isDataPrivacy(message: { tags: readonly string[] }): boolean {
  return message.tags.includes('GDPR')
}
