// The page: each control of a row writes its one field through the API, and the answer is what is shown.

const form = document.querySelector('#new-todo');
const list = document.querySelector('#todos');
const rowTemplate = document.querySelector('#todo-row');
const problem = document.querySelector('#problem');
const summary = document.querySelector('#summary');
const empty = document.querySelector('#empty');

const todos = new Map(); // id -> todo, as the API last told it
const rank = { high: 0, medium: 1, low: 2 };

async function callApi(method, path, body) {
  const response = await fetch(`/api/todos${path}`, {
    method,
    headers: body ? { 'Content-Type': 'application/json' } : {},
    body: body && JSON.stringify(body),
  });
  if (response.status === 204) return null;
  const answer = await response.json().catch(() => ({ error: `The answer is no JSON (status ${response.status})` }));
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

// Runs one action of the user; what goes wrong is told on the page, and the rows show what the API has.
async function attempt(action) {
  try {
    await action();
    problem.hidden = true;
  } catch (error) {
    problem.textContent = error.message;
    problem.hidden = false;
  }
  show();
}

function byUrgency(a, b) {
  return a.done - b.done || a.due_date.localeCompare(b.due_date) || rank[a.priority] - rank[b.priority] || a.id - b.id;
}

function show() {
  const focused = document.activeElement;
  const focus = list.contains(focused) && { id: focused.closest('li').dataset.id, name: focused.classList[0] };
  list.replaceChildren(...[...todos.values()].sort(byUrgency).map(makeRow));
  if (focus) list.querySelector(`li[data-id="${focus.id}"] .${focus.name}`)?.focus();

  const open = [...todos.values()].filter((todo) => !todo.done).length;
  summary.textContent = todos.size ? `${open} open, ${todos.size - open} done` : '';
  empty.hidden = todos.size > 0;
}

function makeRow(todo) {
  const row = rowTemplate.content.cloneNode(true).querySelector('li');
  const part = (name) => row.querySelector(`.${name}`);
  row.dataset.id = todo.id;
  row.dataset.priority = todo.priority;
  row.classList.toggle('is-done', todo.done);
  row.classList.toggle('is-late', !todo.done && todo.due_date < localToday());

  part('done').checked = todo.done;
  part('done').setAttribute('aria-label', `Done: ${todo.title}`);
  part('title').value = todo.title;
  part('due').value = todo.due_date;
  part('priority').value = todo.priority;
  part('delete').setAttribute('aria-label', `Delete: ${todo.title}`);

  part('done').addEventListener('change', (event) => change(todo.id, { done: event.target.checked }));
  part('title').addEventListener('change', (event) => change(todo.id, { title: event.target.value }));
  part('due').addEventListener('change', (event) => change(todo.id, { due_date: event.target.value }));
  part('priority').addEventListener('change', (event) => change(todo.id, { priority: event.target.value }));
  part('delete').addEventListener('click', () => remove(todo.id));
  return row;
}

function localToday() {
  const now = new Date();
  return new Date(now - now.getTimezoneOffset() * 60000).toISOString().slice(0, 10);
}

function change(id, fields) {
  return attempt(async () => todos.set(id, await callApi('PATCH', `/${id}`, fields)));
}

function remove(id) {
  return attempt(async () => {
    await callApi('DELETE', `/${id}`);
    todos.delete(id);
  });
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  attempt(async () => {
    // A field left empty is not sent: the API has the default.
    const given = [...new FormData(form)].filter(([, value]) => value !== '');
    const todo = await callApi('POST', '', Object.fromEntries(given));
    todos.set(todo.id, todo);
    form.reset();
    form.elements.title.focus();
  });
});

attempt(async () => {
  for (const todo of await callApi('GET', '')) todos.set(todo.id, todo);
});
