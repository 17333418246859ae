// The server on Azure Container Apps, in one resource group. Assumptions: README.md. With azd (azure.yaml), or: az deployment sub create --template-file infra/main.bicep
targetScope = 'subscription'

@description('Name of this deployment; resources are named after it')
@minLength(1)
@maxLength(20)
param environmentName string

@description('Region, such as westeurope')
param location string

@description('GRAPH_TENANT_ID: the Entra tenant whose Message Center is read')
param graphTenantId string

@description('GRAPH_CLIENT_ID: the app registration of the server')
param graphClientId string

@description('The image, in the registry created here. Empty: deploys everything except the app, so that an image can be pushed')
param image string = ''

@description('MCP_OAUTH_SEAL_KEY, stored in the vault. Empty: the existing one stays')
@secure()
param sealKey string = ''

@description('CACHE_ENCRYPTION_KEY, stored in the vault; used with Redis only')
@secure()
param cacheKey string = ''

@description('none, or managed: an Azure Managed Redis that replicas share')
@allowed(['none', 'managed'])
param redis string = 'none'

@description('MCP_OAUTH_REDIRECT_URI_PREFIXES: allowed redirect URIs. Empty: loopback and Teams')
param redirectUris string = ''

@description('Minimum number of replicas. 0 costs nothing when idle, but the first call waits for a start')
param minReplicas string = '0'

@description('Maximum number of replicas')
param maxReplicas string = '10'

@description('Custom host name, such as mcp.example.com. Empty: that of Container Apps')
param customDomain string = ''

@description('Resource id of the certificate for customDomain. Empty: the name is added without TLS')
param customDomainCertificateId string = ''

@description('TRUST_PROXY: the addresses that the ingress of Container Apps connects from')
param ingressAddresses string = '100.100.0.0/16'

@description('LOG_LEVEL')
param logLevel string = 'info'

@description('OTEL_EXPORTER_OTLP_ENDPOINT: collector of spans, OTLP over HTTP. Empty: no tracing')
param tracesEndpoint string = ''

@description('Tags of every resource')
param tags object = {}

var token = toLower(uniqueString(subscription().id, environmentName, location))
var allTags = union(tags, { 'azd-env-name': environmentName })

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: allTags
}

module identity 'modules/identity.bicep' = {
  scope: group
  name: 'identity'
  params: {
    name: 'id-${token}'
    location: location
    tags: allTags
  }
}

module registry 'modules/registry.bicep' = {
  scope: group
  name: 'registry'
  params: {
    name: 'cr${token}'
    location: location
    tags: allTags
    pullerPrincipalId: identity.outputs.principalId
  }
}

module vault 'modules/vault.bicep' = {
  scope: group
  name: 'vault'
  params: {
    name: 'kv-${token}'
    location: location
    tags: allTags
    readerPrincipalId: identity.outputs.principalId
    sealKey: sealKey
    cacheKey: cacheKey
  }
}

module cache 'modules/redis.bicep' = if (redis == 'managed') {
  scope: group
  name: 'redis'
  params: {
    name: 'redis-${token}'
    location: location
    tags: allTags
    vaultName: vault.outputs.name
  }
}

module environment 'modules/environment.bicep' = {
  scope: group
  name: 'environment'
  params: {
    name: 'cae-${token}'
    logsName: 'log-${token}'
    location: location
    tags: allTags
  }
}

var appName = 'mcp-message-center'
var publicBaseUrl = 'https://${empty(customDomain) ? '${appName}.${environment.outputs.defaultDomain}' : customDomain}'

module app 'modules/app.bicep' = if (!empty(image)) {
  scope: group
  name: 'app'
  params: {
    name: appName
    location: location
    tags: allTags
    environmentId: environment.outputs.id
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    registryServer: registry.outputs.server
    image: image
    sealKeySecretUrl: vault.outputs.sealKeySecretUrl
    cacheKeySecretUrl: vault.outputs.cacheKeySecretUrl
    redisSecretUrl: redis == 'managed' ? cache.?outputs.secretUrl ?? '' : ''
    graphTenantId: graphTenantId
    graphClientId: graphClientId
    publicBaseUrl: publicBaseUrl
    redirectUris: redirectUris
    ingressAddresses: ingressAddresses
    logLevel: logLevel
    tracesEndpoint: tracesEndpoint
    minReplicas: int(minReplicas)
    maxReplicas: int(maxReplicas)
    customDomain: customDomain
    customDomainCertificateId: customDomainCertificateId
  }
}

@description('The MCP endpoint for clients')
output MCP_URL string = '${publicBaseUrl}/mcp'

@description('Web redirect URI for the app registration')
output CALLBACK_URL string = '${publicBaseUrl}/oauth/callback'

output PUBLIC_BASE_URL string = publicBaseUrl

@description('The subject of the federated credential on the app registration')
output IDENTITY_PRINCIPAL_ID string = identity.outputs.principalId

output AZURE_RESOURCE_GROUP string = group.name
output AZURE_CONTAINER_REGISTRY_NAME string = registry.outputs.name
output AZURE_CONTAINER_REGISTRY_ENDPOINT string = registry.outputs.server
output AZURE_KEY_VAULT_NAME string = vault.outputs.name

@description('The vault has the keys: azure.yaml generates none')
output KEYS_IN_VAULT string = 'true'
