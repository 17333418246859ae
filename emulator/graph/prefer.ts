const defaultPageSize = 100
/** "The maximum page size cannot be greater than 1000." https://learn.microsoft.com/graph/api/serviceannouncement-list-messages */
const largestPageSize = 1000

const maxPageSize = /(?:^|[,;])\s*(?:odata\.)?maxpagesize\s*=\s*"?(\d{1,9})"?\s*(?=$|[,;])/i

/** Reads `Prefer: odata.maxpagesize=50` (RFC 7240). A preference that makes no sense is ignored, as that RFC asks. */
export function pageSizeOf(prefer: string | undefined): { size: number; applied: string | null } {
  const wished = Number(prefer === undefined ? 0 : (maxPageSize.exec(prefer)?.[1] ?? 0))
  if (wished === 0) return { size: defaultPageSize, applied: null }
  const size = Math.min(wished, largestPageSize)
  return { size, applied: `odata.maxpagesize=${size}` }
}
