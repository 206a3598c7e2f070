# %% [markdown]
# # 1. Digits and a judge
#
# You will build a small neural network that reads handwritten digits, and then
# ask it more than its *accuracy* (the share of its answers that are right):
# which digits it confuses, what it knows about an image, and whether its
# probabilities can be trusted. All of this returns in later lessons, where a
# network of this kind judges images that another network has invented. The
# notebook takes about a minute on two CPU cores and reads more than 99 of 100
# test digits correctly.

# %%
from digitdreams import course

seed = course.start("01")

# %% [markdown]
# ## What comes out
#
# Ten images, and above each what the course's own judge says: a digit and how
# probable it is, from the least sure of 1,000 answers to the surest. At the
# end you will know how such a network is made and how far to believe the
# number.

# %%
import numpy as np

from digitdreams import data, judge, plots

digits = data.load()
some_images = digits.validation.images[:1000]
opinions = judge.probabilities(some_images)
shown = np.argsort(opinions.max(axis=1))[[0, 1, 2, 3, 5, 8, 13, 21, 34, 999]]
captions = [f"{row.argmax()}  {row.max():.0%}" for row in opinions[shown]]
plots.strip(some_images[shown], captions=captions)

# %% [markdown]
# ## Three sets of digits
#
# MNIST holds 70,000 images of 28 by 28 pixels and for each a *label*, the
# digit that it shows. They are kept in three *splits*:
#
# - **train**: the network learns from these 55,000;
# - **validation**: 5,000 to compare our choices on, such as the size of the
#   network;
# - **test**: 10,000 to measure the final network on, once. A number measured
#   again and again while choosing is no longer an honest one.

# %%
for name, split in digits._asdict().items():
    print(
        f"{name:10}  images {split.images.shape}  labels {split.labels.shape}"
    )

# %% [markdown]
# Each image has a last axis of length 1, the *channel*: one grey level per
# pixel, 0 for paper and 1 for ink. All ten digits are about equally frequent.

# %%
np.bincount(digits.train.labels) / len(digits.train.labels)

# %% [markdown]
# ## From a file to batches
#
# `data.load()` hides a step that every project needs: reading a data set from
# disk, fast enough to keep the network busy. The usual tools are *TensorFlow
# Datasets* (TFDS), which knows how hundreds of data sets are stored, and
# `tf.data`, which describes a stream of examples. The file is part of this
# course, so nothing is downloaded. Of the training split we take 5,000 images.

# %%
import tensorflow_datasets as tfds

records = tfds.load(
    "mnist",
    data_dir=data.FOLDER,
    split="train[:5000]",
    as_supervised=True,
    download=False,
    read_config=tfds.ReadConfig(try_autocache=False),
)
records.element_spec

# %% [markdown]
# `as_supervised=True` asks for pairs (image, label). TFDS would keep a set as
# small as this one in memory by itself; the last argument switches that off,
# so that we can see what it is worth.
#
# Pixels arrive as whole numbers from 0 to 255, of type `uint8`. Networks learn
# best from numbers of moderate size, so a function scales them to [0, 1].

# %%
import tensorflow as tf


def scale(image, label):
    return tf.cast(image, tf.float32) / 255.0, label


scaled = records.map(scale, num_parallel_calls=tf.data.AUTOTUNE)

# %% [markdown]
# `map` applies the function to each example, and `AUTOTUNE` lets TensorFlow
# decide how many to work on at once. Nothing is read yet: a `tf.data.Dataset`
# is a recipe, and it runs when somebody asks for examples. Four more steps
# make it fit for training:
#
# - `cache` keeps what was decoded (the file holds compressed images) and
#   scaled, so that only the first *epoch* (one pass over all images) pays for
#   it;
# - `shuffle` mixes the order, so that no batch is alike from epoch to epoch.
#   It stands after `cache`: before it, one order would be kept for ever;
# - `batch` puts 128 examples into one array, because the processor is far more
#   efficient with one large product than with 128 small ones;
# - `prefetch` prepares the next batch while the network works on this one.

# %%
pipeline = scaled.cache().shuffle(len(records), seed=seed)
pipeline = pipeline.batch(128).prefetch(tf.data.AUTOTUNE)

# %% [markdown]
# What is the cache worth? We count how many images a second come out.

# %%
import time


def images_per_second(dataset):
    """Run through a dataset once; return its speed."""
    started = time.perf_counter()
    count = sum(len(images) for images, _ in dataset)
    return count / (time.perf_counter() - started)


print(f"no cache      {images_per_second(scaled.batch(128)):9,.0f}")
print(f"first epoch   {images_per_second(pipeline):9,.0f}")
print(f"second epoch  {images_per_second(pipeline):9,.0f}")

# %% [markdown]
# Decoding is the slow part, and the cache removes it. Our network will learn
# from several thousand images a second: without the cache, decoding would take
# about as long as learning.
#
# When all images fit into memory, as MNIST does with 0.2 GB, there is an even
# simpler way: keep one array and take the rows of each batch from it.
# `data.batches` does that, and we train with it.

# %%
batch_size = 128
batches = data.batches(digits.train, batch_size, seed)
print(f"from memory   {images_per_second(batches):9,.0f}")

# %% [markdown]
# ## What a convolution sees
#
# A *convolution* slides a small window over the image. At each place it
# multiplies the pixels under the window with a fixed table of weights, the
# *kernel*, and adds the products. The same few weights serve the whole image,
# so a stroke is found wherever it is. This kernel answers where bright pixels
# lie on the left and dark ones on the right:

# %%
from keras import ops

first_ten = some_images[:10]
kernel = np.array([[1, 0, -1], [1, 0, -1], [1, 0, -1]], "float32")
response = ops.conv(first_ten, kernel[:, :, None, None], padding="same")
plots.panel({"image": first_ten, "response": 0.5 + response / 6})

# %% [markdown]
# White marks the right edge of a stroke and black the left one; grey is zero.
# A *convolutional neural network* (CNN) learns its kernels instead of being
# given them, uses many side by side, and applies the next layer to their
# responses.

# %% [markdown]
# ## The network
#
# The *hyperparameters*, the numbers that we choose and training does not
# change, stand together. They were chosen on the validation split.

# %%
# network
kernels = (16, 32, 64)
feature_size = 128
dropout = 0.3

# training
epochs = 4
peak_rate = 0.004
warm_up = 0.2

# %% [markdown]
# Three convolutions look at ever larger parts of the image. The first moves
# its window by two pixels at a time (`strides=2`), so that 28 by 28 pixels
# become 12 by 12 places with 16 responses each. After the second, *max
# pooling* keeps the largest of each 2 by 2 responses: whether a stroke is
# there matters more than where exactly. *ReLU* replaces negative responses by
# 0. Without such a bend, three layers could do no more than one.

# %%
import keras
from keras import layers

images = keras.Input((28, 28, 1), name="images")
x = layers.Conv2D(kernels[0], 5, strides=2, activation="relu")(images)
x = layers.Conv2D(kernels[1], 3, activation="relu")(x)
x = layers.MaxPooling2D()(x)
x = layers.Conv2D(kernels[2], 3, activation="relu")(x)
x = layers.Flatten()(x)
x.shape

# %% [markdown]
# What is left, 3 by 3 places with 64 responses, lies in one row of 576
# numbers. A *dense* layer, in which each output is a weighted sum of all
# inputs, turns them into 128 *features*, and a last one into ten *logits*: one
# score per digit, any real number, the larger the more likely. *Dropout* sets
# a random share of the numbers to 0 at each training step, so that the network
# learns not to lean on any single one. It does nothing after training.

# %%
x = layers.Dropout(dropout, seed=seed)(x)
features = layers.Dense(feature_size, activation="relu", name="features")(x)
logits = layers.Dense(10, name="logits")(features)
classifier = keras.Model(images, logits, name="classifier")
classifier.summary(line_length=75, print_fn=print)

# %% [markdown]
# *Parameters* are the numbers that training changes. Count one layer by hand:
# a kernel of the second convolution covers 3 by 3 places of 16 responses, and
# each of its 32 kernels has one number more, the *bias*, which is added to the
# sum.

# %%
(3 * 3 * 16 + 1) * 32

# %% [markdown]
# ## From logits to a loss
#
# Training makes one number small, the *loss*, which says how wrong the network
# is. The *softmax* turns logits $l_0, \dots, l_9$ into
# probabilities: positive numbers whose sum is 1. The loss here is the
# *cross-entropy*, the price of a prediction: the negative logarithm of the
# probability $p_y$ that was given to the true digit $y$.
#
# $$p_k = \frac{e^{l_k}}{\sum_j e^{l_j}}, \qquad \text{loss} = -\log p_y$$
#
# A probability of 1 for the true digit costs 0, one half costs
# $\log 2 = 0.69$, and one hundredth 4.6. Keras takes the logits and does both
# steps at once, which stays exact where $e^l$ would be too large for a
# computer.

# %%
loss_function = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

# %% [markdown]
# ## Cheap checks first
#
# A mistake found now costs a second; found after training, half a minute.
# First, the shape. Second, the loss: a network that knows nothing should give
# each digit about one tenth, and pay $\log 10 = 2.303$. A `GradientTape`
# records what is computed, for the third check.

# %%
batch_images, batch_labels = next(iter(batches))
with tf.GradientTape() as tape:
    batch_logits = classifier(batch_images)
    loss = loss_function(batch_labels, batch_logits)
batch_logits.shape, float(loss)

# %% [markdown]
# Third, the *gradient*: how much the loss changes with each parameter. The
# tape can tell. A layer without gradient would be one that cannot learn.

# %%
weights = classifier.trainable_variables
for weight, slope in zip(weights, tape.gradient(loss, weights), strict=True):
    print(f"{weight.path:16} {float(ops.max(ops.abs(slope))):.4f}")

# %% [markdown]
# ## Training
#
# At each *step* the network sees one batch and all parameters move a little
# against the gradient. How far is set by the *learning rate*. It grows over
# the first fifth of the steps, while the gradients are still wild, and then
# falls to 0 along a cosine, so that the network settles. The *optimiser*, the
# rule that makes the steps, is *Adam*: it adapts the rate to each parameter.

# %%
steps = epochs * len(batches)
schedule = keras.optimizers.schedules.CosineDecay(
    initial_learning_rate=peak_rate / 10,
    warmup_target=peak_rate,
    warmup_steps=int(warm_up * steps),
    decay_steps=int((1 - warm_up) * steps),
)
rates = [float(schedule(step)) for step in range(0, steps, steps // 50)]
plots.curve(
    {"rate": rates}, ylabel="learning rate", xlabel="50ths of training"
)

# %% [markdown]
# `steps_per_execution` lets TensorFlow do 33 steps before it returns to
# Python, which saves time with a network as small as this. The batches come
# shuffled, so `fit` need not do it.

# %%
from digitdreams.progress import Progress

classifier.compile(
    optimizer=keras.optimizers.Adam(schedule),
    loss=loss_function,
    metrics=["accuracy"],
    steps_per_execution=33,
)
history = classifier.fit(
    batches,
    shuffle=False,
    epochs=epochs,
    validation_data=tuple(digits.validation),
    validation_batch_size=500,
    callbacks=[Progress("classifier")],
    verbose=0,
).history

# %%
plots.curve(
    {"training": history["accuracy"], "validation": history["val_accuracy"]},
    ylabel="accuracy",
    bar=0.99,
)

# %% [markdown]
# An answer is right if the largest logit is that of the true digit. The
# training curve begins below the other one for two reasons: it is an average
# over the epoch, while the network was still learning, and dropout was at
# work.

# %% [markdown]
# ## The test, once
#
# Everything is chosen, so now the test images may speak. From here on we only
# look; nothing is changed because of them. The accuracy is itself uncertain:
# with 10,000 other digits it would come out a little different. An accuracy
# $a$ on $n$ images typically moves by about $\sqrt{a(1-a)/n}$, its *standard
# error*. Two networks that differ by less
# than about twice that can hardly be told apart by this test.


# %%
def logits_of(images):
    return classifier.predict(images, batch_size=500, verbose=0)


test_logits = logits_of(digits.test.images)
predictions = test_logits.argmax(axis=1)
accuracy = np.mean(predictions == digits.test.labels)
standard_error = np.sqrt(accuracy * (1 - accuracy) / len(predictions))
print(f"{accuracy:.2%} ± {standard_error:.2%}")

# %% [markdown]
# ## Which digits are confused
#
# One number hides which mistakes are made. The *confusion table* counts, for
# each true digit (row), what the network said (column). The diagonal holds
# what is right.

# %%
plots.confusion(digits.test.labels, predictions)

# %% [markdown]
# The mistakes themselves say more. These are the ones of which the network was
# surest, written as *true digit → its answer* with the probability.

# %%
probabilities = ops.softmax(test_logits).numpy()
confidence = probabilities.max(axis=1)
mistakes = np.flatnonzero(predictions != digits.test.labels)
worst = mistakes[np.argsort(-confidence[mistakes])][:12]
captions = [
    f"{digits.test.labels[i]} → {predictions[i]}  {confidence[i]:.0%}"
    for i in worst
]
plots.grid(digits.test.images[worst], columns=6, labels=captions)

# %% [markdown]
# Some of these would puzzle a human reader, or make one doubt a label. That
# is why no honest network reaches 100 % here.

# %% [markdown]
# ## What a feature vector is
#
# The layer before the logits describes each image by 128 numbers. Taken
# together they are a *feature vector*: a point in a space of 128 dimensions.
# The last layer can only compare weighted sums of these numbers, so training
# had to move images of the same digit close to each other. A model that shares
# the layers but stops there gives us the vectors.

# %%
extractor = keras.Model(images, features, name="extractor")
known, asked = digits.train.images[:10_000], digits.validation.images[:2_000]
known_features = extractor.predict(known, batch_size=500, verbose=0)
asked_features = extractor.predict(asked, batch_size=500, verbose=0)
asked_features.shape

# %% [markdown]
# A test of the claim: for 2,000 validation images, find the most similar of
# 10,000 training images, once by distance between pixels and once by distance
# between feature vectors. How often does the neighbour show the same digit?

# %%
from sklearn.neighbors import NearestNeighbors


def nearest(known, asked):
    """Return the row of the nearest known vector for each that is asked."""
    search = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(known)
    return search.kneighbors(asked, return_distance=False)[:, 0]


by_pixels = nearest(known.reshape(-1, 784), asked.reshape(-1, 784))
by_features = nearest(known_features, asked_features)

# %%
known_labels = digits.train.labels[:10_000]
asked_labels = digits.validation.labels[:2_000]
print(f"pixels   {np.mean(known_labels[by_pixels] == asked_labels):.1%}")
print(f"features {np.mean(known_labels[by_features] == asked_labels):.1%}")

# %% [markdown]
# Where the pixels mislead, one can see how: they ask whether the ink lies in
# the same places, not which strokes make the digit.

# %%
misled = np.flatnonzero(known_labels[by_pixels] != asked_labels)[:9]
plots.panel(
    {
        "image": asked[misled],
        "nearest by pixels": known[by_pixels[misled]],
        "nearest by features": known[by_features[misled]],
    }
)

# %% [markdown]
# To see the space, we need two numbers instead of 128. *Principal component
# analysis* (PCA), known from lesson 0, finds the directions in which the
# points differ most; we look at them along the first two.

# %%
from sklearn.decomposition import PCA

analysis = PCA(n_components=2).fit(asked_features)
plots.latent_map(
    analysis.transform(asked_features),
    asked_labels,
    axis_names=("first direction", "second direction"),
)

# %% [markdown]
# Each digit has its own region, although the network was never told to draw a
# map. The two directions show only a part of the differences: digits that
# overlap here are apart in others. How much the two show is measured by their
# share of the *variance*, the mean squared distance of the points from their
# average.

# %%
print(f"{analysis.explained_variance_ratio_.sum():.0%} of the variance")

# %% [markdown]
# ## Can the probabilities be trusted?
#
# If a network is 80 % sure of each of 100 images, about 80 of its answers
# should be right. A network for which this holds is *calibrated*. To find out,
# sort images into ten bins by *confidence*, the largest probability, and
# compare each bin's mean confidence with its accuracy.


# %%
def reliability(probabilities, labels):
    """Return confidence, accuracy and share of images of each filled bin."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    bins = np.minimum((10 * confidence).astype(int), 9)
    groups = [bins == one for one in np.unique(bins)]
    return np.array(
        [(confidence[g].mean(), right[g].mean(), g.mean()) for g in groups]
    ).T


# %% [markdown]
# One number sums it up, the *expected calibration error* (ECE): the distance
# between confidence and accuracy, averaged over the bins and weighted by the
# share of images in each.


# %%
def calibration_error(probabilities, labels):
    confidence, accuracy, share = reliability(probabilities, labels)
    return float(np.sum(share * np.abs(confidence - accuracy)))


calibration_error(probabilities, digits.test.labels)

# %% [markdown]
# ## The reliability diagram
#
# In a picture, a calibrated network follows the diagonal; below it, the
# network is surer than it should be. Beside the test images we ask about the
# same ones after a quarter turn; such images it has never seen.

# %%
turned = np.rot90(digits.test.images, axes=(1, 2))
turned_logits = logits_of(turned)
turned_probabilities = ops.softmax(turned_logits).numpy()
plots.strip(turned[:10], captions=turned_logits[:10].argmax(axis=1))

# %%
from matplotlib import rc_context

answers = {"test": probabilities, "test, turned": turned_probabilities}
with rc_context(plots.STYLE):
    figure = plots.Picture(420, 360, "reliability", layout="constrained")
    axes = figure.add_subplot(xlabel="confidence", ylabel="accuracy")
    axes.plot([0, 1], [0, 1], "--", color="grey", label="calibrated")
    for name, rows in answers.items():
        confidence, right, _ = reliability(rows, digits.test.labels)
        axes.plot(confidence, right, "o-", label=name)
    axes.legend()
figure

# %% [markdown]
# On images like those of its training the network keeps near the diagonal. The
# points on the left stand for a few doubtful images each, so they are
# scattered. On turned digits it is wrong most of the time and does not know
# it.

# %% [markdown]
# ## Temperature
#
# *Temperature scaling* divides all logits by one number $T$. Above 1 it makes
# every probability more modest, below 1 bolder; the largest logit stays the
# largest, so the accuracy does not change. We take the $T$ with the smallest
# loss on the validation images.

# %%
validation_logits = logits_of(digits.validation.images)
temperatures = np.geomspace(0.5, 2, 61)
losses = [
    float(loss_function(digits.validation.labels, validation_logits / one))
    for one in temperatures
]
temperature = temperatures[np.argmin(losses)]
round(float(temperature), 2)

# %%
for name, rows in {"test": test_logits, "turned": turned_logits}.items():
    before, after = ops.softmax(rows), ops.softmax(rows / temperature)
    error = calibration_error(before.numpy(), digits.test.labels)
    scaled_error = calibration_error(after.numpy(), digits.test.labels)
    print(f"{name:7} error {error:.1%}, with temperature {scaled_error:.1%}")

# %% [markdown]
# On the test images there was nothing to repair: the error is at most a few
# tenths of a percent, with and without $T$, and chance alone makes that much.
# Deep networks trained for long often need the correction more. And no
# temperature that was fitted on upright digits makes the network modest about
# turned ones. Keep this in mind: *its probabilities are to be trusted for
# images like those of the training*. Images from a generator need not be like
# that.

# %% [markdown]
# ## Why a classifier will judge generators
#
# A generator invents images, so there is no true image to compare them with.
# But a good set of invented digits has two properties that a classifier can
# see:
#
# - each image is clearly *some* digit: its row of probabilities has one large
#   entry;
# - all digits occur: the average row is even.
#
# The *Inception Score* puts both into one number. With $p_i$ for the row of
# image $i$ and $\bar p$ for the average row, it is
#
# $$\exp\left(\frac1n \sum_i \sum_k p_{ik}
# \log\frac{p_{ik}}{\bar p_k}\right).$$
#
# The inner sum measures how far a row is from the average row. The score lies
# between 1 (all rows alike) and 10 (every row certain, all digits equally
# frequent). Computed with the course's judge it is called *MNIST score*.


# %%
def digit_score(probabilities):
    rows = np.clip(probabilities, 1e-12, 1)
    distances = np.sum(rows * np.log(rows / rows.mean(axis=0)), axis=1)
    return float(np.exp(distances.mean()))


digit_score(np.eye(10)), digit_score(np.full((10, 10), 0.1))

# %% [markdown]
# To compare generators, everyone must ask the same network. The course brings
# one, the *judge*, with a record of how it was made. It was trained for longer
# than yours, on images shifted at random by up to two pixels. Half of them got
# a little noise, shadow, blur or grey paper as well, so that it does not
# stumble over faint traces of how an image was made.

# %%
record = judge.record()
for key in ("accuracy", "parameters", "command", "sha256"):
    print(f"{key:11} {record[key]}")

# %% [markdown]
# The last line is a *hash*, a fingerprint of the file: a score without it
# cannot be compared, because another judge gives other scores.
#
# Let us see what the judge makes of real images and of three ways to spoil
# them: blurred, noisy, and all showing the same digit.

# %%
from scipy.ndimage import gaussian_filter

real, labels = digits.validation
random = np.random.default_rng(seed)
cases = {
    "real": real,
    "blurred": gaussian_filter(real, sigma=(0, 1, 1, 0)),
    "noisy": np.clip(real + random.normal(scale=0.3, size=real.shape), 0, 1),
    "only sevens": real[labels == 7],
}
plots.panel({name: images[:10] for name, images in cases.items()})

# %% [markdown]
# A second measure uses the judge's feature vectors. The *Fréchet inception
# distance* (FID) compares mean and spread of the vectors of two sets of
# images; 0 means that they agree. It needs real images to compare with, here
# the test images.

# %%
from digitdreams import metrics

reference = judge.features(digits.test.images)
for name, images in cases.items():
    score = digit_score(judge.probabilities(images))
    distance = metrics.fid(judge.features(images), reference)
    print(f"{name:12} score {score:5.2f}   FID {distance:5.1f}")

# %% [markdown]
# Real images score near 9.8, not 10: some are doubtful, and the digits are not
# equally frequent. Their FID is not quite 0, because two samples of the same
# kind differ by chance. Blur and noise cost score and add distance, although
# you can still read every digit: the judge sees more than what digit it is.
# Sevens alone, although real, score near 1, because no other digit occurs.

# %% [markdown]
# ## A judge can be fooled
#
# Nothing forces a network to be unsure of nonsense. Start from random grey
# images and change the *pixels* against the gradient of the loss, as training
# changed the parameters, until your classifier sees the digits 0 to 9:

# %%
wanted = np.arange(10)
nonsense = tf.Variable(random.uniform(size=(10, 28, 28, 1)), dtype="float32")
for _ in range(40):
    with tf.GradientTape() as tape:
        loss = loss_function(wanted, classifier(nonsense))
    direction = tf.sign(tape.gradient(loss, nonsense))
    nonsense.assign(tf.clip_by_value(nonsense - 0.01 * direction, 0, 1))

# %%
beliefs = ops.softmax(classifier(nonsense)).numpy()
captions = [f"{row.argmax()}  {row.max():.0%}" for row in beliefs]
plots.strip(nonsense.numpy(), captions=captions)

# %% [markdown]
# A generator that is trained against a classifier, or picked for its score
# from many, learns to make such images. Therefore no model of this course is
# trained against the judge or chosen by it; the judge only measures what is
# finished.

# %% [markdown]
# ## The number of this lesson

# %%
course.expect(accuracy=accuracy)

# %% [markdown]
# ## What to remember
#
# 1. A classifier is a chain of layers that turns an image into a feature
#    vector, and the vector into probabilities.
# 2. Accuracy is measured once, on images that took no part in any choice, and
#    has a standard error.
# 3. Probabilities are worth believing only where calibration was checked,
#    which is why a judge's opinion of invented images is one measure among
#    several.
#
# ## Asked in interviews
#
# - *Why must the test set not be used for choosing hyperparameters?* Because
#   the best of many choices on it is partly luck, so the number no longer
#   predicts the accuracy on new images.
# - *Why should `cache` stand before `shuffle` in a `tf.data` pipeline?* After
#   it, the first epoch's order would be stored and repeated for ever.
# - *Why give the loss logits instead of probabilities?* Taken together,
#   softmax and logarithm can be computed without too large numbers and without
#   the logarithm of 0.
# - *Does temperature scaling change the accuracy?* No, it keeps the order of
#   the logits and changes only how sure the network claims to be.
# - *What does a high Inception Score not tell you?* Whether the images look
#   like the real ones, or vary within a class: one perfect image of each digit
#   scores 10.
#
# ## To read
#
# - LeCun and others, [Gradient-based learning applied to document
#   recognition](https://doi.org/10.1109/5.726791), 1998: MNIST and
#   convolutional networks for it.
# - Guo and others, [On calibration of modern neural
#   networks](https://arxiv.org/abs/1706.04599), 2017: reliability diagrams and
#   temperature scaling.
# - Salimans and others, [Improved techniques for training
#   GANs](https://arxiv.org/abs/1606.03498), 2016: the Inception Score.
# - Barratt and Sharma, [A note on the Inception
#   Score](https://arxiv.org/abs/1801.01973), 2018: how it misleads.
# - [Better performance with the tf.data
#   API](https://www.tensorflow.org/guide/data_performance), a guide.
#
# ## Next
#
# [Exercise 1](../exercises/01_digits_and_a_judge/01_digits_and_a_judge.ipynb),
# where you write these parts yourself, then [lesson 2](02_autoencoder.ipynb),
# where a network learns to describe digits without any labels.
