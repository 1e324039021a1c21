// Makes a container in a blob server that speaks as Azure does: node make_container.js CONNECTION_STRING NAME
const { BlobServiceClient } = require("@azure/storage-blob");
const [connection, name] = process.argv.slice(2);
BlobServiceClient.fromConnectionString(connection).getContainerClient(name).createIfNotExists().then(
  () => console.log("made " + name),
  (error) => { console.error(String(error)); process.exit(1); },
);
