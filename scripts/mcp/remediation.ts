import { catalogue, type Reason } from '../../src/errors/index.ts'

const readLog = 'Search the server log for the request id.'

/** For a response without a reason: a 5xx has none, and others are not this server's. */
function remediationForStatus(status: number): string {
  switch (status) {
    case 403:
      return 'Check what stands in front of the server: a gateway or firewall rejects the request.'
    case 404:
      return 'Check the address: there is no MCP server.'
    case 502:
    case 504:
      return 'The proxy in front of the server cannot reach it: check that it is running and ready.'
    case 503:
      return `The server is running but cannot serve: Entra rejected its credential or is unreachable. ${readLog} doctor tests both.`
    default:
      return readLog
  }
}

/** @param reason of the response; a server of another version may have others */
export function remediationFor(reason: string | undefined, status?: number): string {
  if (reason !== undefined && Object.hasOwn(catalogue, reason)) return catalogue[reason as Reason].fix
  return remediationForStatus(status ?? 0)
}
