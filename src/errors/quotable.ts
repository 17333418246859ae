/** Text fit for a quoted parameter and for an OAuth description: printable ASCII without quote and backslash (RFC 6749 appendix A). */
export function quotable(value: string): string {
  return value.replaceAll(/[^\x20-\x7e]|["\\]/g, "'")
}
