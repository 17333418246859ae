// Who the server is, to Entra, to the registry and to the vault. It has no secret: Container Apps vouches for it, and
// a federated credential on the app registration lets it speak for the app.
param name string
param location string
param tags object

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: name
  location: location
  tags: tags
}

output id string = identity.id
output clientId string = identity.properties.clientId
output principalId string = identity.properties.principalId
