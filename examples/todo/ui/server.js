// Serves the page, and passes /api on to the API, whose Service name comes from the environment.
'use strict';

const http = require('node:http');
const path = require('node:path');
const express = require('express');

const port = Number(process.env.PORT || 3000);
const api = new URL(process.env.API_URL || 'http://api:8080');
const API_TIMEOUT_MS = 10000;
// Headers that speak of one connection, not of the message (RFC 9110, 7.6.1).
const HOP_BY_HOP = ['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'];

function endToEnd(headers) {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.includes(name)));
}

const app = express();
app.disable('x-powered-by');

app.get('/healthz', (req, res) => res.json({ status: 'ok' }));

app.use((req, res, next) => {
  const started = process.hrtime.bigint();
  res.on('finish', () => {
    const tookMs = Number(process.hrtime.bigint() - started) / 1e6;
    console.log(`ui ${req.method} ${req.originalUrl} ${res.statusCode} ${tookMs.toFixed(1)}ms`);
  });
  next();
});

app.use('/api', (req, res) => {
  const upstream = http.request({
    hostname: api.hostname,
    port: api.port || 80,
    method: req.method,
    path: req.originalUrl,
    headers: { ...endToEnd(req.headers), host: api.host },
    agent: false, // a new connection each time: none is left over from an API pod that was replaced
    timeout: API_TIMEOUT_MS,
  });
  upstream.on('response', (answer) => {
    res.writeHead(answer.statusCode, endToEnd(answer.headers));
    answer.pipe(res);
  });
  upstream.on('timeout', () => upstream.destroy(new Error('timed out')));
  upstream.on('error', (error) => {
    console.error(`ui api ${api.origin}: ${error.message}`);
    if (res.headersSent) return res.destroy();
    res.status(502).json({ error: `The API at ${api.origin} does not answer: ${error.message}` });
  });
  res.on('close', () => upstream.destroy());
  req.pipe(upstream);
});

// no-cache: a browser asks each time, and an unchanged file costs a 304.
const setHeaders = (res) => res.setHeader('Cache-Control', 'no-cache');
app.use(express.static(path.join(__dirname, 'public'), { setHeaders }));

const server = app.listen(port, () => console.log(`ui listening port=${port} api=${api.origin}`));

process.on('SIGTERM', () => {
  server.close(() => process.exit(0));
  server.closeAllConnections();
});
