// SPDX-License-Identifier: GPL-3.0-or-later
// A job type of Flamenco (3.5 and later): many pictures become models, a task for each chunk of pictures.
// Each task is one call of `blender --command image_to_3d`. Never holds a key: the worker's environment has it.
// How to use it: docs/farm.md.

const JOB_TYPE = {
    label: "Image to 3D",
    description: "Turn pictures into textured models",
    settings: [
        { key: "pictures", type: "string", required: true,
          description: "Pictures, parted by spaces; one with a space in its path in quotes. "
            + "Or one path with #### for the number of a frame" },
        { key: "frames", type: "string", required: false, default: "", visible: "submission",
          eval: "f'{C.scene.frame_start}-{C.scene.frame_end}'",
          evalInfo: { showLinkButton: true, description: "Scene frame range" },
          description: "Which numbers stand for ####. Examples: '47', '1-30', '3, 5-10, 47-327'" },
        { key: "chunk_size", type: "int32", default: 1, propargs: {min: 1, max: 100}, visible: "submission",
          description: "Pictures a task" },
        { key: "service", type: "string", required: true, default: "local",
          choices: ["local", "csm", "meshy", "comfyui"], description: "What makes the models" },
        { key: "settings", type: "string", required: false, default: "",
          description: "The service's settings as name=value, parted by spaces; one with a space in quotes" },
        { key: "format", type: "string", required: false, default: "blend,glb",
          description: "What is delivered: blend, glb, asset, parted by commas" },
        { key: "jobs", type: "int32", default: 0, propargs: {min: 0}, visible: "submission",
          description: "How many models of a task are made at once; 0 leaves it to the service" },
        { key: "max_credits", type: "int32", default: 0, propargs: {min: 0},
          description: "How many credits one task may cost at most; 0 is no limit" },
        { key: "retry_failed", type: "bool", default: false,
          description: "Ask again for pictures that failed in an earlier run" },

        // output_root and the job's name determine output_path. There is no time in it, on purpose: the folder knows
        // what was paid for, so the same job goes on there when it is submitted again.
        { key: "output_root", type: "string", subtype: "dir_path", required: true, visible: "submission",
          description: "A folder that all workers share. The models go to a folder in it with the job's name" },
        { key: "output_path", type: "string", subtype: "dir_path", editable: false,
          eval: "str(Path(abspath(settings.output_root), jobname))",
          description: "Where the models go" },
    ]
};

function compileJob(job) {
    const settings = job.settings;
    if (!settings.output_path) {
        throw "No output folder is set.";
    }
    const size = settings.chunk_size || 1;
    const pictures = picturesOf(settings);
    const options = optionsOf(settings);
    for (let start = 0; start < pictures.length; start += size) {
        job.addTask(authorTask(pictures.slice(start, start + size), start + 1, options));
    }
}

// The paths of all pictures, in their order. A folder or a pattern is one of them: its task takes all that is in it.
function picturesOf(settings) {
    const pictures = Array.from(shellSplit((settings.pictures || "").replaceAll("\\", "/")));
    if (pictures.length == 0) {
        throw "No picture is set.";
    }
    const runs = pictures[0].match(/##+/g) || [];
    if (!settings.frames || pictures.length > 1 || runs.length == 0) {
        return pictures;
    }
    if (runs.length > 1) {
        throw `Write the #s of "${pictures[0]}" beside each other: they stand for one number.`;
    }
    return Array.from(frameChunker(settings.frames, 1)).map(
        (frame) => pictures[0].replace(runs[0], frame.padStart(runs[0].length, "0")));
}

// What is the same for every task.
function optionsOf(settings) {
    let options = ["--service", settings.service || "local", "--format", settings.format || "blend,glb",
        "--output", settings.output_path, "--json"];
    for (const setting of shellSplit(settings.settings || "")) {
        options.push("--set", setting);
    }
    if (settings.jobs) {
        options.push("--jobs", `${settings.jobs}`);
    }
    if (settings.max_credits) {
        options.push("--max-credits", `${settings.max_credits}`);
    }
    if (settings.retry_failed) {
        options.push("--retry-failed");
    }
    return options;
}

// `blender-render` and not `exec`: it finds Blender where the farm has not set a path. Without `{blenderArgs}`: they
// are for renders, and the command line needs none. A worker's Blender may be offline by its preferences, so it is told
// not to be; Local asks nobody.
function authorTask(pictures, first, options) {
    const last = first + pictures.length - 1;
    const task = author.Task(first == last ? `picture-${first}` : `pictures-${first}-${last}`, "blender");
    task.addCommand(author.Command("blender-render", {
        exe: "{blender}",
        exeArgs: "",
        argsBefore: ["--online-mode", "--command", "image_to_3d"],
        blendfile: "",
        args: pictures.concat(options),
    }));
    return task;
}
