import type { Environment } from './environment.ts'

export interface GraphConfig {
  readonly baseUrl: string
  /** Of all users and replicas together; undefined: no limit. */
  readonly callsPerMinute: number | undefined
  readonly callsPerHour: number | undefined
}

/** Microsoft Graph, "National cloud deployments". Another Graph, such as the emulator, has limits of its own. */
const microsoftHosts = new Set([
  'graph.microsoft.com',
  'graph.microsoft.us',
  'dod-graph.microsoft.us',
  'microsoftgraph.chinacloudapi.cn',
])
/** Of one app in one tenant: Microsoft Graph, "Throttling limits: Service Communications". */
const microsoftLimits = { callsPerMinute: 240, callsPerHour: 800 }

/** @param baseUrl sound, without a trailing slash */
export function readGraph(sound: Environment, baseUrl: string): GraphConfig {
  const limits = microsoftHosts.has(new URL(baseUrl).hostname) ? microsoftLimits : undefined
  return {
    baseUrl,
    callsPerMinute: numberOf(sound.GRAPH_CALLS_PER_MINUTE) ?? limits?.callsPerMinute,
    callsPerHour: numberOf(sound.GRAPH_CALLS_PER_HOUR) ?? limits?.callsPerHour,
  }
}

function numberOf(value: string | undefined): number | undefined {
  return value === undefined ? undefined : Number(value)
}
