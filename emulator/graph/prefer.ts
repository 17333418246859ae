const defaultPageSize = 100
/** "The maximum page size cannot be greater than 1000." https://learn.microsoft.com/graph/api/serviceannouncement-list-messages */
const maxPageSize = 1000

const preference = /(?:^|[,;])\s*(?:odata\.)?maxpagesize\s*=\s*"?(\d{1,9})"?\s*(?=$|[,;])/i

/** Reads `Prefer: odata.maxpagesize=50` (RFC 7240). An invalid preference is ignored, as the RFC requires. */
export function pageSizeOf(prefer: string | undefined): { size: number; applied: string | null } {
  const requested = Number(prefer === undefined ? 0 : (preference.exec(prefer)?.[1] ?? 0))
  if (requested === 0) return { size: defaultPageSize, applied: null }
  const size = Math.min(requested, maxPageSize)
  return { size, applied: `odata.maxpagesize=${size}` }
}
