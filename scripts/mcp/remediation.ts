import { catalogue, type Reason } from '../../src/errors/index.ts'

const readLog = 'Search the server log for the request id.'

/** What to do about a response that names no reason: a 5xx never does, and others are not this server's. */
function remediationForStatus(status: number): string {
  switch (status) {
    case 403:
      return 'Check what stands in front of the server: a gateway or firewall rejects the request.'
    case 404:
      return 'Check the address: no MCP server responds there.'
    case 502:
    case 504:
      return 'The gateway in front of the server does not reach it: check that the server runs and is ready.'
    case 503:
      return `The server runs but cannot serve: Entra rejects its credential or is unreachable. ${readLog} doctor checks both.`
    default:
      return readLog
  }
}

/** @param reason as the response names it, which may be one of another version of the server */
export function remediationFor(reason: string | undefined, status?: number): string {
  if (reason !== undefined && Object.hasOwn(catalogue, reason)) return catalogue[reason as Reason].fix
  return remediationForStatus(status ?? 0)
}
