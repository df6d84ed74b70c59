// SPDX-License-Identifier: GPL-3.0-or-later
// Stands in for Flamenco Manager: runs a job compiler script as Flamenco 3.8 does, with the names that it gives to
// scripts and no others. Reads {script, job} as JSON on standard input, prints {jobType, tasks} or {error}. Only for
// tests; a job of {} asks for the job type alone.
"use strict";
const fs = require("node:fs");
const vm = require("node:vm");

const { script, job } = JSON.parse(fs.readFileSync(0, "utf8"));

function requireText(value, what) {
    if (typeof value !== "string" || !value.trim()) {
        throw new Error(`${what} is required`);
    }
    return value.trim();
}

// Numbers of frames as Flamenco reads them: "1-3, 7", or "1..3".
function frames(range) {
    const found = new Set();
    for (const part of requireText(range, "frame range").replaceAll("..", "-").split(",")) {
        const ends = part.split("-").map((word) => {
            if (!/^\s*\d+\s*$/.test(word)) {
                throw new Error(`invalid range "${range}": ${part}`);
            }
            return Number(word);
        });
        if (ends.length > 2) {
            throw new Error(`invalid range "${range}": ${part}`);
        }
        for (let frame = ends[0]; frame <= ends[ends.length - 1]; frame++) {
            found.add(frame);
        }
    }
    return [...found].sort((a, b) => a - b);
}

function merged(numbers) {
    const ranges = [];
    for (const number of numbers) {
        const last = ranges[ranges.length - 1];
        if (last && last[1] === number - 1) {
            last[1] = number;
        } else {
            ranges.push([number, number]);
        }
    }
    return ranges.map(([a, b]) => (a === b ? `${a}` : a + 1 === b ? `${a},${b}` : `${a}-${b}`)).join(",");
}

function frameChunker(range, size) {
    if (!(size >= 1)) {
        throw new Error(`invalid chunk size, must be positive number: ${size}`);
    }
    const all = frames(range), chunks = [];
    for (let start = 0; start < all.length; start += size) {
        chunks.push(merged(all.slice(start, start + size)));
    }
    return chunks;
}

// As a shell parts words: quotes, and backslashes outside of single quotes.
function shellSplit(text) {
    const words = [];
    let word = null, quote = "";
    for (let at = 0; at < text.length; at++) {
        const c = text[at];
        if (c === "\\" && quote !== "'") {
            word = (word ?? "") + (text[++at] ?? "");
        } else if (quote) {
            if (c === quote) {
                quote = "";
            } else {
                word += c;
            }
        } else if (c === "'" || c === '"') {
            quote = c;
            word = word ?? "";
        } else if (/\s/.test(c)) {
            if (word !== null) {
                words.push(word);
            }
            word = null;
        } else {
            word = (word ?? "") + c;
        }
    }
    if (quote) {
        throw new Error("EOF found when expecting closing quote");
    }
    return word === null ? words : [...words, word];
}

const author = {
    Task: (name, type) => ({
        name: requireText(name, "author.Task(name, type): name"),
        type: requireText(type, "author.Task(name, type): type"),
        commands: [],
        addCommand(command) {
            this.commands.push(command);
        },
        addDependency() {},
    }),
    Command: (name, parameters, totalStepCount = 0) => ({ name, parameters, totalStepCount }),
};
const slashed = (text) => text.replaceAll("\\", "/");
const posix = require("node:path").posix;
const path = {
    basename: (text) => posix.basename(slashed(text)),
    dirname: (text) => posix.dirname(slashed(text)),
    join: (...parts) => slashed(posix.join(...parts)),
    stem: (text) => posix.parse(slashed(text)).name,
};

const tasks = [];
const context = vm.createContext({
    print() {},
    alert() {},
    frameChunker,
    frameCount: (range) => frames(range).length,
    formatTimestampLocal: () => "2026-11-28_120000",
    shellSplit,
    author,
    path,
    process: { platform: process.platform },
});
let answer;
try {
    const source = fs.readFileSync(script, "utf8");
    vm.runInContext(`"use strict";${source}\nglobalThis.found = { JOB_TYPE, compileJob };`, context);
    if (job.settings) {
        context.found.compileJob({ ...job, addTask: (task) => tasks.push(task) });
    }
    answer = { jobType: context.found.JOB_TYPE, tasks };
} catch (error) {
    answer = { error: `${error.message ?? error}` };
}
process.stdout.write(JSON.stringify(answer));
