import { describe, expect, it } from 'vitest';
import { EventParser, type ServerEvent } from '../../src/api/sse';

function parsed(...pieces: string[]): ServerEvent[] {
  const parser = new EventParser();
  return pieces.flatMap((piece) => parser.push(piece));
}

const STREAM = ': here\n\nid: 7\nevent: change\ndata: {"a":\ndata: 1}\n\nevent: status\ndata:x\n\n';
const EVENTS = [{ type: 'change', data: '{"a":\n1}' }, { type: 'status', data: 'x' }];

describe('EventParser', () => {
  it('joins the lines of an event, and leaves comments out', () => expect(parsed(STREAM)).toEqual(EVENTS));

  it('gives the same events wherever the stream is cut', () => {
    for (let at = 0; at <= STREAM.length; at += 1) expect(parsed(STREAM.slice(0, at), STREAM.slice(at))).toEqual(EVENTS);
    expect(parsed(...STREAM)).toEqual(EVENTS);
  });

  it('takes each of the three ends of a line, also where a pair is cut', () => {
    const crlf = STREAM.replaceAll('\n', '\r\n');
    for (let at = 0; at <= crlf.length; at += 1) expect(parsed(crlf.slice(0, at), crlf.slice(at))).toEqual(EVENTS);
    expect(parsed(STREAM.replaceAll('\n', '\r') + ' ')).toEqual(EVENTS);
  });

  it('names an event without a type message, and drops one without data', () => {
    expect(parsed('data: a\n\nevent: b\n\n')).toEqual([{ type: 'message', data: 'a' }]);
  });

  it('takes one space alone from a value, and a field without a colon as empty', () => {
    expect(parsed('data:  a\ndata\n\n')).toEqual([{ type: 'message', data: ' a\n' }]);
  });

  it('keeps the last id for the reconnection, once its event is whole', () => {
    const parser = new EventParser();
    parser.push('id: 1\ndata: a\n\nid: 2\ndata: b\n');
    expect(parser.lastId).toBe('1');
    parser.push('\n');
    expect(parser.lastId).toBe('2');
    parser.push('id: a\0b\ndata: c\n\n');
    expect(parser.lastId).toBe('2');
  });

  it('does not take an event that ended with the stream', () => expect(parsed('data: a\n\ndata: b\n')).toHaveLength(1));

  it('drops an event over the limit and goes on', () => {
    const line = `data: ${'x'.repeat(5 * 1024 * 1024)}\n`;
    expect(parsed(line, line, line, line, '\ndata: after\n\n')).toEqual([{ type: 'message', data: 'after' }]);
  });

  it('skips a byte order mark', () => expect(parsed('\ufeffdata: a\n\n')).toEqual([{ type: 'message', data: 'a' }]));
});
